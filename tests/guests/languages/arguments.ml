(* Arguments in OCaml's own registers, kept over calls of the garbage collector, then a call by pointer. *)
let rec build n = if n = 0 then [] else n :: build (n - 1)
let f a b c d e g h i = List.length a + 2*b + 3*c + 5*d + 7*List.length e + 11*g + 13*h + 17*i
let k a b c d e g h i = List.length a - 2*b + 3*c - 5*d + 7*List.length e - 11*g + 13*h - 17*i
let pair n = (n, n + 1, float_of_int n)
let take (a, b, c) = a * 3 + b + int_of_float c
let drop (a, b, c) = a - b * 2 + int_of_float c
let fs = [| f; k |] and ts = [| take; drop |]
let () =
  let l = build 20 in
  let t = ref 0 in
  for n = 1 to 2_000_000 do
    let f = fs.(n land 1) in
    t := !t * 31 + f (n :: l) (n * 3) (n lxor 5) (n + 7) ((n + 1) :: l) (n - 3) (n * n) (n lsr 1) + ts.(n land 1) (pair n)
  done;
  Printf.printf "%d\n" !t
