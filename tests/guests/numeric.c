/* Floating point work: matrix product and inverse, n-body, Mandelbrot, FFT, Runge-Kutta, Simpson, in double and float. */
#include "guest.h"
#include <math.h>
#include <stdio.h>

enum { N = 24 };

static void matrices(void)
{
    static double a[N][N], inverse[N][N], product[N][N];
    static float f[N][N], g[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i == j ? 10.0 : 0) + ((i * 7 + j * 3) % 11) / 11.0;
            inverse[i][j] = i == j;
            f[i][j] = (float)a[i][j];
        }
    double work[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            work[i][j] = a[i][j];
    for (int c = 0; c < N; c++) {
        double pivot = work[c][c];
        for (int j = 0; j < N; j++)
            work[c][j] /= pivot, inverse[c][j] /= pivot;
        for (int i = 0; i < N; i++)
            if (i != c) {
                double factor = work[i][c];
                for (int j = 0; j < N; j++)
                    work[i][j] -= factor * work[c][j], inverse[i][j] -= factor * inverse[c][j];
            }
    }
    double trace = 0, error = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int k = 0; k < N; k++)
                product[i][j] += a[i][k] * inverse[k][j], sum += f[i][k] * f[k][j];
            g[i][j] = sum;
            error = fmax(error, fabs(product[i][j] - (i == j)));
        }
    for (int i = 0; i < N; i++)
        trace += inverse[i][i];
    printf("matrix trace %.12f small error %d float %.5f\n", trace, error < 1e-12, (double)g[3][5]);
}

typedef struct { double x[3], v[3], m; } Body;

static double energy(const Body *b, int n)
{
    double e = 0;
    for (int i = 0; i < n; i++) {
        e += b[i].m * (b[i].v[0] * b[i].v[0] + b[i].v[1] * b[i].v[1] + b[i].v[2] * b[i].v[2]) / 2;
        for (int j = i + 1; j < n; j++) {
            double d = 0;
            for (int k = 0; k < 3; k++)
                d += (b[i].x[k] - b[j].x[k]) * (b[i].x[k] - b[j].x[k]);
            e -= b[i].m * b[j].m / sqrt(d);
        }
    }
    return e;
}

static void bodies(void)
{
    Body b[4] = {{{0, 0, 0}, {0, 0, 0}, 40}, {{5, 0, 0.1}, {0, 2.8, 0}, 0.04}, {{0, 9, 0}, {-2.1, 0, 0.2}, 0.01}, {{-15, 1, 1}, {0, -1.6, 0}, 0.002}};
    printf("energy %.9f", energy(b, 4));
    for (int step = 0; step < 5000; step++) {
        for (int i = 0; i < 4; i++)
            for (int j = i + 1; j < 4; j++) {
                double d[3], r2 = 0;
                for (int k = 0; k < 3; k++)
                    d[k] = b[i].x[k] - b[j].x[k], r2 += d[k] * d[k];
                double by = 0.001 / (r2 * sqrt(r2));
                for (int k = 0; k < 3; k++)
                    b[i].v[k] -= d[k] * b[j].m * by, b[j].v[k] += d[k] * b[i].m * by;
            }
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 3; k++)
                b[i].x[k] += 0.001 * b[i].v[k];
    }
    printf(" then %.9f at %.9f\n", energy(b, 4), b[1].x[0]);
}

static void mandelbrot(void)
{
    for (int y = -10; y <= 10; y += 2) {
        for (int x = -32; x < 16; x++) {
            float cr = (float)x / 16, ci = (float)y / 10, zr = 0, zi = 0;
            int n = 0;
            while (n < 60 && zr * zr + zi * zi < 4) {
                float t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                n++;
            }
            putchar(" .:-=+*#%@"[n * 9 / 60]);
        }
        putchar('\n');
    }
}

static void fft(double *re, double *im, int n, int step)
{
    if (n == 1)
        return;
    double er[128], ei[128], or[128], oi[128];
    for (int i = 0; i < n / 2; i++)
        er[i] = re[2 * i], ei[i] = im[2 * i], or[i] = re[2 * i + 1], oi[i] = im[2 * i + 1];
    fft(er, ei, n / 2, step * 2);
    fft(or, oi, n / 2, step * 2);
    for (int k = 0; k < n / 2; k++) {
        double c = cos(-2 * M_PI * k / n), s = sin(-2 * M_PI * k / n), tr = c * or[k] - s * oi[k], ti = c * oi[k] + s * or[k];
        re[k] = er[k] + tr, im[k] = ei[k] + ti, re[k + n / 2] = er[k] - tr, im[k + n / 2] = ei[k] - ti;
    }
}

static double simpson(double (*f)(double), double a, double b, int n)
{
    double h = (b - a) / n, sum = f(a) + f(b);
    for (int i = 1; i < n; i++)
        sum += f(a + i * h) * (i & 1 ? 4 : 2);
    return sum * h / 3;
}

static double bell(double x) { return exp(-x * x); }

int main(void)
{
    matrices();
    bodies();
    mandelbrot();
    double re[256], im[256] = {0};
    for (int i = 0; i < 256; i++)
        re[i] = sin(2 * M_PI * 5 * i / 256) + 0.5 * cos(2 * M_PI * 20 * i / 256);
    fft(re, im, 256, 1);
    for (int i = 0; i < 256; i++)
        if (hypot(re[i], im[i]) > 1)
            printf("peak %d %.6f\n", i, hypot(re[i], im[i]));
    printf("simpson %.9f %.9f\n", simpson(bell, -5, 5, 1000), simpson(sin, 0, M_PI, 100));
    double x = 1, v = 0;
    for (int i = 0; i < 1000; i++) {
        double k1 = v, l1 = -x, k2 = v + 0.005 * l1, l2 = -(x + 0.005 * k1), k3 = v + 0.005 * l2, l3 = -(x + 0.005 * k2), k4 = v + 0.01 * l3, l4 = -(x + 0.01 * k3);
        x += 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
        v += 0.01 / 6 * (l1 + 2 * l2 + 2 * l3 + l4);
    }
    printf("oscillator %.9f %.9f\n", x, v);
    return 8;
}
