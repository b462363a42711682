#include <cstdio>
#include <stdexcept>
#include <string>
struct Guard { int *n; ~Guard() { ++*n; } };
static int unwound;
__attribute__((noinline)) static int deep(int n, int depth) {
    Guard g{&unwound};
    if (depth == 0) {
        if (n % 3 == 0) throw n;
        if (n % 3 == 1) throw std::runtime_error("x");
        return 1;
    }
    return deep(n, depth - 1) + 1;
}
int main() {
    long sum = 0;
    for (int n = 0; n < 1500000; n++) {
        try { sum += deep(n, 3); }
        catch (int i) { sum += i % 7; }
        catch (const std::exception &e) { sum += e.what()[0]; }
    }
    std::printf("%ld %d\n", sum, unwound);
}
