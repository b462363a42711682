/* File input and output: stdio in all modes, tmpfile, seek, mmap of a file, pread, writev, truncate, dup, pipe, errors. */
#define _GNU_SOURCE
#include "guest.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* One result: operands of one call have no order. */
static int fails(long result, int with) { return result == -1 && errno == with; }

static void stdio(void)
{
    FILE *f = tmpfile();
    for (int i = 0; i < 2000; i++)
        fprintf(f, "line %d %x\n", i, i * 77);
    printf("size %ld\n", ftell(f));
    rewind(f);
    char line[64];
    int lines = 0;
    uint64_t h = 1;
    while (fgets(line, sizeof line, f)) {
        lines++;
        h = hash(h, line, strlen(line));
    }
    printf("lines %d %016llx eof %d\n", lines, (unsigned long long)h, feof(f) != 0);
    fseek(f, -20, SEEK_END);
    size_t got = fread(line, 1, sizeof line, f);
    line[got] = 0;
    printf("tail %zu [%s]\n", got, line);
    fseek(f, 1000, SEEK_SET);
    fputs("OVERWRITTEN", f);
    fflush(f);
    fseek(f, 995, SEEK_SET);
    int a = 0;
    char word[20] = "";
    int c = fgetc(f);
    ungetc(c, f);
    printf("scan %d ", fscanf(f, "%19s", word));
    printf("%s\n", word);
    fclose(f);
    char *text;
    size_t size;
    FILE *m = open_memstream(&text, &size);
    fprintf(m, "memory %d", 42);
    fclose(m);
    printf("%s %zu\n", text, size);
    f = fmemopen(text, size, "r");
    int fields = fscanf(f, "memory %d", &a);
    printf("%d %d\n", fields, a);
    fclose(f);
    free(text);
}

static void descriptors(void)
{
    char name[] = "/tmp/guest-files-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    char block[3000];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i % 251);
    for (int i = 0; i < 5; i++)
        printf("%zd ", write(fd, block, sizeof block));
    printf("at %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    struct iovec parts[3] = {{"scatter ", 8}, {"gather ", 7}, {"write", 5}};
    printf("writev %zd\n", writev(fd, parts, 3));
    char back[21] = "";
    ssize_t got = pread(fd, back, 20, 15000);
    printf("pread %zd %s\n", got, back);
    struct stat st;
    fstat(fd, &st);
    printf("size %ld regular %d mode %o\n", (long)st.st_size, S_ISREG(st.st_mode), st.st_mode & 0777);
    unsigned char *map = mmap(NULL, 15020, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("mapped %d %.8s\n", map[2999], map + 15000);
    memcpy(map, "through the map", 15);
    memset(back, 0, sizeof back);
    pread(fd, back, 15, 0);
    printf("%s %016llx\n", back, (unsigned long long)hash(1, map, 15020));
    munmap(map, 15020);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    map[0] = 0xee;
    pread(fd, back, 1, 4096);
    printf("private %02x %02x\n", map[0], (unsigned char)back[0]);
    munmap(map, 4096);
    int cut = ftruncate(fd, 100);
    printf("truncate %d %ld\n", cut, (long)lseek(fd, 0, SEEK_END));
    int copy = dup(fd), other = fcntl(fd, F_DUPFD, 50);
    lseek(fd, 10, SEEK_SET);
    printf("dup %ld %d\n", (long)lseek(copy, 0, SEEK_CUR), other >= 50);
    close(fd), close(copy), close(other);
    printf("closed %d\n", fails(write(fd, "x", 1), EBADF));
}

static void failures(void)
{
    printf("%d ", fails(open("/no/such/file", O_RDONLY), ENOENT));
    printf("%d ", fails(open("/", O_WRONLY), EISDIR));
    printf("%d ", fails(fopen("/etc", "w") == NULL ? -1 : 0, EISDIR));
    printf("%d ", fails(read(-1, NULL, 0), EBADF));
    printf("%d\n", fails(write(1, (void *)8, 5), EFAULT));
    int ends[2];
    char text[8] = "";
    printf("pipe %d ", pipe(ends));
    printf("%zd ", write(ends[1], "pipe!", 6));
    ssize_t got = read(ends[0], text, sizeof text);
    printf("%zd %s ", got, text);
    close(ends[1]);
    printf("%zd\n", read(ends[0], text, sizeof text));
    close(ends[0]);
}

int main(void)
{
    stdio();
    descriptors();
    failures();
    return 31;
}
