use std::collections::BTreeMap;
use std::panic;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

struct Noisy(u32);
impl Drop for Noisy {
    fn drop(&mut self) { println!("dropped {}", self.0); }
}

fn fails(n: u32) -> u32 {
    let _guard = Noisy(n);
    let v: Vec<u32> = (0..n).collect();
    v[n as usize]
}

fn main() {
    panic::set_hook(Box::new(|i| println!("panic: {}", i)));
    for n in 0..3 { println!("{:?}", panic::catch_unwind(|| fails(n)).is_err()); }
    let (to, from) = mpsc::channel();
    let shared = Arc::new(Mutex::new(BTreeMap::new()));
    let workers: Vec<_> = (0..8u64).map(|w| {
        let (to, shared) = (to.clone(), shared.clone());
        thread::spawn(move || {
            for i in 0..500 { *shared.lock().unwrap().entry(i * w % 13).or_insert(0u64) += 1; }
            to.send(w * w).unwrap();
            if w == 5 { panic!("worker {}", w) }
        })
    }).collect();
    drop(to);
    println!("{}", from.iter().sum::<u64>());
    println!("{:?}", workers.into_iter().map(|w| w.join().is_err()).collect::<Vec<_>>());
    println!("{:?}", shared.lock().unwrap());
    let text: String = (0..1000).map(|n| format!("{:x}", n * n)).collect();
    println!("{} {:?}", text.len(), text.bytes().fold(7u64, |h, b| h.wrapping_mul(31) ^ b as u64));
    std::process::exit(fails as usize as i32 & 0 | 9);
}
