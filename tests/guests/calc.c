/* An arithmetic evaluator: tokenizer, recursive descent, functions, variables, errors by longjmp; reads lines, or its own examples. */
#include "guest.h"
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *at;
static jmp_buf failed;
static double variables[26];

static double expression(void);

_Noreturn static void fail(const char *what)
{
    printf("error: %s at [%s]\n", what, at);
    longjmp(failed, 1);
}

static void blanks(void)
{
    while (isspace((unsigned char)*at))
        at++;
}

static int accept(char c)
{
    blanks();
    if (*at != c)
        return 0;
    at++;
    return 1;
}

static double call(const char *name, size_t n, double x)
{
    static const struct {
        const char *name;
        double (*f)(double);
    } functions[] = {{"sqrt", sqrt}, {"sin", sin}, {"cos", cos}, {"abs", fabs}, {"floor", floor}, {"exp", exp}, {"log", log}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strlen(functions[i].name) == n && !memcmp(functions[i].name, name, n))
            return functions[i].f(x);
    fail("unknown function");
}

static double atom(void)
{
    blanks();
    if (accept('(')) {
        double x = expression();
        if (!accept(')'))
            fail("missing )");
        return x;
    }
    if (isdigit((unsigned char)*at) || *at == '.') {
        char *end;
        double x = strtod(at, &end);
        at = end;
        return x;
    }
    if (isalpha((unsigned char)*at)) {
        const char *name = at;
        while (isalpha((unsigned char)*at))
            at++;
        size_t n = (size_t)(at - name);
        if (accept('(')) {
            double x = expression();
            if (!accept(')'))
                fail("missing )");
            return call(name, n, x);
        }
        if (n == 1)
            return variables[tolower((unsigned char)*name) - 'a'];
        fail("unknown name");
    }
    fail("unexpected");
}

static double power(void)
{
    double x = atom();
    return accept('^') ? pow(x, power()) : x;
}

static double sign(void) { return accept('-') ? -sign() : accept('+') ? sign() : power(); }

static double term(void)
{
    double x = sign();
    for (;;) {
        if (accept('*'))
            x *= sign();
        else if (accept('/')) {
            double y = sign();
            if (y == 0)
                fail("division by zero");
            x /= y;
        } else if (accept('%'))
            x = fmod(x, sign());
        else
            return x;
    }
}

static double expression(void)
{
    double x = term();
    for (;;) {
        if (accept('+'))
            x += term();
        else if (accept('-'))
            x -= term();
        else
            return x;
    }
}

static void evaluate(const char *line)
{
    if (setjmp(failed))
        return;
    at = line;
    blanks();
    if (!*at)
        return;
    int to = -1;
    if (isalpha((unsigned char)at[0]) && at[1] == '=') {
        to = tolower((unsigned char)*at) - 'a';
        at += 2;
    }
    double x = expression();
    blanks();
    if (*at)
        fail("rubbish");
    if (to >= 0)
        variables[to] = x;
    printf("%s = %.10g\n", line, x);
}

int main(void)
{
    static const char *const examples[] = {"1+2*3", "(1+2)*3", "2^3^2", "-2^2", "--5", "x=sqrt(2)", "x*x", "1/0", "sin(0)+cos(0)", "7%4-10/4", "(1+2", "2*(3+4)*(5-6)", "foo(1)", "", "1e3+.5",
                                           "y=x+1", "y^2-2*y", "abs(-3.5)*floor(2.9)", "1 2", "log(exp(2.5))", "((((((((1))))))))", "@"};
    char line[300];
    int n = 0;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        evaluate(line);
        n++;
    }
    for (size_t i = 0; n == 0 && i < sizeof examples / sizeof *examples; i++)
        evaluate(examples[i]);
    double total = 0;
    for (int i = 1; i <= 300; i++) {
        char text[100];
        const char *keep = text;
        snprintf(text, sizeof text, "%d*(%d+%d)/%d-%d", i, i * 2, i + 1, i % 7 + 1, i);
        at = keep;
        total += setjmp(failed) ? 0 : expression();
    }
    printf("total %.6f\n", total);
    return n;
}
