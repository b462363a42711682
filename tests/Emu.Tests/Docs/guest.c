// Stands for the "./guest" of the documents: a main and something to sort, without a libc (it translates in no time).
static int numbers[] = {5, 3, 9, 1};

static void __attribute__((noinline)) sort_debug(void) { __asm__ volatile(""); }

static void __attribute__((noinline)) sort(int *a, int n) {
  sort_debug();
  for (int i = 1; i < n; i++)
    for (int j = i; j && a[j] < a[j - 1]; j--) {
      int t = a[j];
      a[j] = a[j - 1], a[j - 1] = t;
    }
}

int main(void) {
  sort(numbers, 4);
  return numbers[0] - 1;
}

__asm__(".globl _start\n_start: call main\n mov %eax, %edi\n mov $231, %eax\n syscall");
