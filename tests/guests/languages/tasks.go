package main

import (
	"errors"
	"fmt"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

// Without a call in its loop: only a signal stops it.
func spin(stop *int32) int {
	n := 0
	for i := 0; i < 300000000; i++ {
		n += i ^ n
	}
	return n
}

func recovered() (err error) {
	defer func() { err = errors.New(fmt.Sprint(recover())) }()
	var m map[string]int
	m["a"] = 1
	return nil
}

func faulted() (err error) {
	defer func() { err = errors.New(fmt.Sprint(recover())) }()
	var p *int
	*p = 1
	return nil
}

func main() {
	runtime.GOMAXPROCS(2)
	c, done := make(chan int), make(chan int)
	for w := 0; w < 8; w++ {
		go func() {
			s := 0
			for n := range c {
				s += n * n
				if n%64 == 0 {
					runtime.Gosched()
				}
			}
			done <- s
		}()
	}
	for i := 0; i < 20000; i++ {
		c <- i
	}
	close(c)
	total := 0
	for w := 0; w < 8; w++ {
		total += <-done
	}
	fmt.Println("channels", total)

	runtime.GOMAXPROCS(1)
	ticks := 0
	go func() {
		for {
			time.Sleep(time.Millisecond)
			ticks++
		}
	}()
	time.Sleep(2 * time.Millisecond)
	before := ticks
	n := spin(nil)
	runtime.Gosched()
	fmt.Println("preempted", n, ticks > before)
	runtime.GOMAXPROCS(2)

	var mu sync.Mutex
	var wg sync.WaitGroup
	words := map[string]int{}
	for w := 0; w < 16; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for i := 0; i < 500; i++ {
				mu.Lock()
				words[strings.Repeat("x", (i*w)%7)]++
				mu.Unlock()
				if i%100 == 0 {
					_ = make([]byte, 1<<16)
				}
			}
		}(w)
	}
	wg.Wait()
	keys := make([]string, 0)
	for k := range words {
		keys = append(keys, fmt.Sprint(k, words[k]))
	}
	sort.Strings(keys)
	runtime.GC()
	fmt.Println(keys, fib(25), recovered(), faulted())
	panic("the end")
}
