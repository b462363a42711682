/* Wide characters and UTF conversions in the C locale: wcs*, wmem*, own UTF-8/16/32 coders, validation of malformed input. */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>
#include <wchar.h>
#include <wctype.h>

static int encode(uint32_t c, unsigned char *to)
{
    if (c < 0x80)
        return to[0] = (unsigned char)c, 1;
    if (c < 0x800)
        return to[0] = (unsigned char)(0xc0 | c >> 6), to[1] = (unsigned char)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return to[0] = (unsigned char)(0xe0 | c >> 12), to[1] = (unsigned char)(0x80 | (c >> 6 & 63)), to[2] = (unsigned char)(0x80 | (c & 63)), 3;
    to[0] = (unsigned char)(0xf0 | c >> 18), to[1] = (unsigned char)(0x80 | (c >> 12 & 63)), to[2] = (unsigned char)(0x80 | (c >> 6 & 63));
    return to[3] = (unsigned char)(0x80 | (c & 63)), 4;
}

/* Returns the length, or 0 when malformed (overlong, surrogate, too large, cut off). */
static int decode(const unsigned char *s, size_t n, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (n == 0)
        return 0;
    int length = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    if (length == 0 || (size_t)length > n)
        return 0;
    *c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
    for (int i = 1; i < length; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        *c = *c << 6 | (s[i] & 63);
    }
    return *c < least[length] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : length;
}

static void round_trip(void)
{
    uint64_t h = 1;
    int wrong = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 37) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        unsigned char text[4];
        uint32_t back = 0;
        int n = encode(c, text);
        wrong += decode(text, (size_t)n, &back) != n || back != c || (n > 1 && decode(text, (size_t)n - 1, &back) != 0);
        uint16_t pair[2] = {(uint16_t)(c < 0x10000 ? c : 0xd800 + ((c - 0x10000) >> 10)), (uint16_t)(c < 0x10000 ? 0 : 0xdc00 + ((c - 0x10000) & 0x3ff))};
        h = hash(hash(h, text, (size_t)n), pair, 4);
    }
    printf("round trip wrong %d %016llx\n", wrong, (unsigned long long)h);
    static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x82", "\xff", "\xe2\x28\xa1", "\xf0\x80\x80\x80"};
    for (int i = 0; i < 8; i++) {
        uint32_t c;
        printf("%d", decode((const unsigned char *)bad[i], strlen(bad[i]), &c));
    }
    printf("\n");
}

static void wide(void)
{
    wchar_t a[100] = L"wide characters", b[100];
    wcscpy(b, a);
    wcscat(b, L" and more");
    printf("%zu %zu %d %d\n", wcslen(a), wcslen(b), wcscmp(a, b) < 0, wcsncmp(a, b, 15));
    printf("%td %td %td %zu %zu\n", wcschr(b, L'c') - b, wcsrchr(b, L'e') - b, wcsstr(b, L"and") - b, wcsspn(b, L"widechrat "), wcscspn(b, L"xyzm"));
    wmemset(a + 4, L'-', 3);
    wmemmove(b + 2, b, 10);
    printf("%ls|%ls|%d\n", a, b, wmemcmp(a, b, 3) != 0);
    wchar_t *rest, *end;
    for (wchar_t *t = wcstok(b, L" ", &rest); t; t = wcstok(NULL, L" ", &rest))
        printf("[%ls]", t);
    long number = wcstol(L"-123abc", &end, 10);
    printf("\n%ld %g %d\n", number, wcstod(L"2.5e3x", NULL), (int)(*end == L'a'));
    wchar_t text[64];
    int n = swprintf(text, 64, L"%d %ls %s %.2f", 42, L"wide", "narrow", 1.5);
    printf("%d %ls\n", n, text);
    int x = 0;
    wchar_t word[10];
    printf("%d ", swscanf(L"77 word", L"%d %9ls", &x, word));
    printf("%d %ls\n", x, word);
    char narrow[64];
    const wchar_t *from = L"to narrow";
    mbstate_t state = {0};
    printf("%zu ", wcstombs(narrow, L"plain", 64));
    printf("%zu ", wcsrtombs(narrow, &from, 64, &state));
    printf("%s %zu %lc\n", narrow, mbstowcs(text, "back", 64), towupper(L'q'));
    int classes = 0;
    for (wint_t c = 0; c < 128; c++)
        classes += (iswalpha(c) != 0) + 2 * (iswdigit(c) != 0) + 3 * (iswspace(c) != 0) + 5 * (iswpunct(c) != 0) + (int)(towupper(c) + towlower(c)) % 7;
    printf("%d\n", classes);
}

int main(void)
{
    round_trip();
    wide();
    static const char16_t u16[] = u"\u20ac\U0001f600";
    static const char32_t u32[] = U"\u20ac\U0001f600";
    printf("%zu %x %x %x %zu %x %s\n", sizeof u16, u16[0], u16[1], u16[2], sizeof u32, u32[1], u8"\u20ac\u00e9");
    return 17;
}
