/* POSIX regular expressions and shell patterns: many patterns over many texts, groups, substitution, fnmatch, glob-free. */
#include "guest.h"
#include <fnmatch.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

static const char *const patterns[] = {"^a.c$", "[0-9]+", "(foo|bar)+", "^([a-z]+)@([a-z]+)\\.(com|org)$", "x*y{2,3}z", "[^[:space:]]+", "^$", "(a|ab)(c|bcd)(d*)",
                                       "[[:alpha:]_][[:alnum:]_]*", "\\$([0-9]+)\\.([0-9]{2})", "(([a-c])+d)+", ".*end$"};
static const char *const texts[] = {"abc", "a\nc", "order 66 now", "foobarfoo", "someone@example.org", "xxyyz", "  spaced out  ", "", "abcd", "_name42 = 7", "costs $19.99 today", "abcdaabd", "to the end"};

static void match_all(void)
{
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        regex_t re;
        int failed = regcomp(&re, patterns[p], REG_EXTENDED);
        printf("/%s/ %d groups %zu:", patterns[p], failed, re.re_nsub);
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            regmatch_t m[5];
            if (regexec(&re, texts[t], 4, m, 0) == 0) {
                printf(" %zu", t);
                for (size_t g = 0; g <= (re.re_nsub < 3 ? re.re_nsub : 3); g++)
                    printf("(%d,%d)", (int)m[g].rm_so, (int)m[g].rm_eo);
            }
        }
        printf("\n");
        regfree(&re);
    }
}

static void substitute(const char *pattern, const char *with, const char *text)
{
    regex_t re;
    regmatch_t m[2];
    regcomp(&re, pattern, REG_EXTENDED | REG_ICASE);
    int flags = 0, count = 0;
    while (regexec(&re, text, 2, m, flags) == 0 && m[0].rm_eo > m[0].rm_so) {
        printf("%.*s<%s:%.*s>", (int)m[0].rm_so, text, with, m[1].rm_so >= 0 ? (int)(m[1].rm_eo - m[1].rm_so) : 0, m[1].rm_so >= 0 ? text + m[1].rm_so : "");
        text += m[0].rm_eo;
        flags = REG_NOTBOL;
        count++;
    }
    printf("%s (%d)\n", text, count);
    regfree(&re);
}

int main(void)
{
    match_all();
    substitute("([aeiou])", "v", "The Quick Brown Fox");
    substitute("q(u)", "qu", "Quite quick QUOTA");
    substitute("^(.)", "first", "only once");
    regex_t re;
    printf("errors %d %d %d\n", regcomp(&re, "(", REG_EXTENDED) != 0, regcomp(&re, "[a", REG_EXTENDED) != 0, regcomp(&re, "a{2,1}", REG_EXTENDED) != 0);
    printf("basic %d\n", regcomp(&re, "\\(a*\\)b", 0));
    regmatch_t m[2];
    printf("%d ", regexec(&re, "xxaaab", 2, m, 0));
    printf("%d %d %d\n", (int)m[0].rm_so, (int)m[1].rm_so, (int)m[1].rm_eo);
    regfree(&re);
    static const char *const globs[] = {"*.c", "a?c", "[a-m]*", "*/b*", "[!x]*"};
    for (int g = 0; g < 5; g++)
        printf("%s: %d%d%d%d\n", globs[g], fnmatch(globs[g], "file.c", 0), fnmatch(globs[g], "abc", 0), fnmatch(globs[g], "dir/bee", FNM_PATHNAME) != 0, fnmatch(globs[g], ".hidden.c", FNM_PERIOD) != 0);
    return 0;
}
