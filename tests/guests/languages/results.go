// Results of one function that are at once the arguments of another one, which is called by pointer: up to nine, in Go's own registers.
package main

import "fmt"

//go:noinline
func g(x int) (a, b, c, d, e, f, h int) { return x, x * 3, x ^ 77, x + 5, x - 9, x * x, x << 3 }

//go:noinline
func sum(a, b, c, d, e, f, h int) int { return a + 2*b + 3*c + 5*d + 7*e + 11*f + 13*h }

//go:noinline
func mul(a, b, c, d, e, f, h int) int { return a ^ b*c ^ d*e ^ f*h }

//go:noinline
func s(x int) []byte { return make([]byte, x%50+1, x%50+20) }

//go:noinline
func l(b []byte) int { return len(b)*1000 + cap(b) }

//go:noinline
func l2(b []byte) int { return len(b)*3 - cap(b) }

func main() {
	fs := []func(a, b, c, d, e, f, h int) int{sum, mul}
	ls := []func([]byte) int{l, l2}
	t := 0
	for i := 0; i < 1000000; i++ {
		t = t*31 + fs[i%2](g(i)) + ls[i%2](s(i))
	}
	fmt.Println(t)
}
