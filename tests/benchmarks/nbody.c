/* Floating point: planets in orbit (double, SSE2), their energy, and a float field of sources; every step calls small functions. */
#include <math.h>
#include <stdio.h>

#define NO __attribute__((noinline))
enum { BODIES = 6, STEPS = 3200000 };

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

static Body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, 39.5},         {4.84, -1.16, -0.10, 0.6, 2.81, -0.02, 0.0377}, {8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.0113},
    {12.89, -15.11, -0.22, 1.08, 0.86, -0.01, 0.0017}, {15.37, -25.9, 0.18, 0.98, 0.59, -0.034, 0.002}, {1, 0.1, 0, -0.6, 6.2, 0.1, 0.00012}};

NO static void advance(Body *b, double dt)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
            double d2 = dx * dx + dy * dy + dz * dz, by = dt / (d2 * sqrt(d2));
            b[i].vx -= dx * b[j].mass * by, b[i].vy -= dy * b[j].mass * by, b[i].vz -= dz * b[j].mass * by;
            b[j].vx += dx * b[i].mass * by, b[j].vy += dy * b[i].mass * by, b[j].vz += dz * b[i].mass * by;
        }
    for (int i = 0; i < BODIES; i++)
        b[i].x += dt * b[i].vx, b[i].y += dt * b[i].vy, b[i].z += dt * b[i].vz;
}

NO static double energy(const Body *b)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        e += 0.5 * b[i].mass * (b[i].vx * b[i].vx + b[i].vy * b[i].vy + b[i].vz * b[i].vz);
        for (int j = i + 1; j < BODIES; j++)
            e -= b[i].mass * b[j].mass / hypot(hypot(b[i].x - b[j].x, b[i].y - b[j].y), b[i].z - b[j].z);
    }
    return e;
}

NO static float potential(float x, float y)
{
    float p = 0;
    for (int i = 0; i < BODIES; i++) {
        float dx = x - (float)bodies[i].x, dy = y - (float)bodies[i].y;
        p += (float)bodies[i].mass / sqrtf(dx * dx + dy * dy + 0.01f);
    }
    return p;
}

int main(void)
{
    printf("%.9f\n", energy(bodies));
    for (int i = 0; i < STEPS; i++)
        advance(bodies, 0.0005);
    float field = 0;
    for (int y = -150; y < 150; y++)
        for (int x = -150; x < 150; x++)
            field += potential((float)x * 0.2f, (float)y * 0.2f);
    printf("%.9f %.9f %.3f\n", energy(bodies), bodies[1].x, (double)field);
    return 0;
}
