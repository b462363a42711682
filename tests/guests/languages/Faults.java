/** Exceptions that the JVM makes of faults, garbage, threads, and a loop that is worth compiling. */
public class Faults {
    static int length(String s) { return s.length(); }

    static long mix(int[] a, int rounds) {
        long h = 1;
        for (int r = 0; r < rounds; r++) for (int n = 0; n < a.length; n++) h = h * 31 + (a[n] ^= r);
        return h;
    }

    static int depth(int n) { return 1 + depth(n + 1); }

    public static void main(String[] args) throws Exception {
        int caught = 0;
        for (int n = 0; n < 20000; n++)
            try { caught += length(n % 10 == 0 ? null : "abc"); } catch (NullPointerException e) { caught--; }
        try { depth(0); } catch (StackOverflowError e) { caught++; }
        try { caught /= args.length; } catch (ArithmeticException e) { caught++; }
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < 50000; n++) if (n % 1000 == 0) text.append(new byte[n].length % 7);
        int[] sums = new int[4];
        Thread[] threads = new Thread[4];
        for (int t = 0; t < 4; t++) {
            final int mine = t;
            threads[t] = new Thread(() -> { for (int n = 0; n < 100000; n++) sums[mine] += n % (mine + 1); });
            threads[t].start();
        }
        for (Thread t : threads) t.join();
        System.out.println(caught + " " + text + " " + java.util.Arrays.toString(sums) + " " + mix(new int[1000], 2000));
    }
}
