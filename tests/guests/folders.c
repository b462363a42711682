/* Folders: mkdir, scandir, readdir, rename, link, symlink, stat, chdir, getcwd, realpath, access, rmdir, ftw-like walk. */
#define _GNU_SOURCE
#include "guest.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One result: operands of one call have no order. */
static int fails(int result, int with) { return result == -1 && errno == with; }

static void touch(const char *name, int size)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0640);
    for (int i = 0; i < size; i++)
        if (write(fd, "x", 1) != 1)
            printf("short write\n");
    close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void list(const char *folder, int depth)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") && strcmp(name, "..")) {
            char path[512];
            struct stat st;
            snprintf(path, sizeof path, "%s/%s", folder, name);
            lstat(path, &st);
            printf("%*s%s %c %o %ld %d\n", depth * 2, "", name, S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : 'f', st.st_mode & 0777,
                   S_ISREG(st.st_mode) ? (long)st.st_size : 0L, S_ISREG(st.st_mode) ? (int)st.st_nlink : 0);
            if (S_ISDIR(st.st_mode))
                list(path, depth + 1);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static int count(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    uint64_t sum = 0;
    for (struct dirent *e; (e = readdir(d)); n++)
        sum += hash(1, e->d_name, strlen(e->d_name));
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d));)
        sum ^= hash(2, e->d_name, strlen(e->d_name));
    closedir(d);
    printf("count %d %016llx\n", n, (unsigned long long)sum);
    return n;
}

static int clean(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, by_name), failed = 0;
    for (int i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && unlink(path) != 0)
            failed += clean(path);
        free(entries[i]);
    }
    free(entries);
    return failed + (rmdir(folder) != 0);
}

int main(void)
{
    char root[] = "/tmp/guest-folders-XXXXXX", here[512], link_text[64] = "";
    umask(022);
    if (!mkdtemp(root) || chdir(root))
        return 1;
    printf("cwd %d\n", strcmp(getcwd(here, sizeof here), root));
    mkdir("sub", 0755);
    mkdir("sub/deeper", 0700);
    touch("a.txt", 10);
    touch("sub/b.txt", 20);
    touch("sub/deeper/c.txt", 0);
    printf("symlink %d link %d\n", symlink("a.txt", "soft"), link("a.txt", "hard"));
    ssize_t length = readlink("soft", link_text, sizeof link_text);
    printf("readlink %zd %s\n", length, link_text);
    printf("rename %d %d\n", rename("sub/b.txt", "sub/renamed"), rename("nothing", "else"));
    printf("chmod %d\n", chmod("sub/renamed", 0600));
    list(".", 0);
    printf("access %d %d\n", access("a.txt", R_OK), fails(access("missing", F_OK), ENOENT));
    printf("mkdir again %d rmdir full %d\n", fails(mkdir("sub", 0755), EEXIST), fails(rmdir("sub"), ENOTEMPTY));
    char *real = realpath("sub/../soft", NULL);
    printf("realpath %s\n", real ? strrchr(real, '/') : "none");
    free(real);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "sub/file%03d", i);
        touch(name, 0);
    }
    int n = count("sub");
    int dir = open("sub", O_RDONLY | O_DIRECTORY);
    struct stat st;
    printf("openat %d\n", fstatat(dir, "file007", &st, 0) == 0 && S_ISREG(st.st_mode));
    close(dir);
    printf("clean %d\n", clean(root));
    return n % 256;
}
