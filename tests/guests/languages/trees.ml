(* Exceptions as control flow, closures, garbage of all sizes, deep recursion, effects of the runtime on signals. *)
module M = Map.Make (String)
exception Found of int

let rec depth = function 0 -> 0 | n -> 1 + depth (n - 1)

let first p a = try Array.iteri (fun i x -> if p x then raise (Found i)) a; -1 with Found i -> i

let () =
  let words = List.init 50000 (fun n -> string_of_int (n * 7919 mod 1009)) in
  let counts = List.fold_left (fun m w -> M.update w (function None -> Some 1 | Some n -> Some (n + 1)) m) M.empty words in
  let found = ref 0 in
  for n = 1 to 20000 do
    found := !found + first (fun x -> x * x > n) (Array.init 150 (fun i -> i))
  done;
  let ticks = ref 0 in
  Sys.set_signal Sys.sigusr1 (Sys.Signal_handle (fun _ -> incr ticks));
  for _ = 1 to 10 do
    Unix.kill (Unix.getpid ()) Sys.sigusr1;
    ignore (Sys.opaque_identity (List.init 1000 (fun n -> float_of_int n)))
  done;
  let overflow = try ignore (depth (-1)); false with Stack_overflow -> true in
  Printf.printf "%d %d %d %d %b %.3f\n" (M.cardinal counts) (M.find "7" counts) !found !ticks overflow
    (Array.fold_left ( +. ) 0. (Array.init 100000 (fun n -> sqrt (float_of_int n))))
