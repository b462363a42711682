/* A text adventure: a line parser, a state machine of rooms and things, reading commands from stdin (a built-in walk when it is empty). */
#include "guest.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef enum { HALL, CELLAR, TOWER, GARDEN, VAULT, ROOMS, CARRIED = 100, NOWHERE } Room;
typedef enum { LAMP, KEY, ROPE, GOLD, THINGS } Thing;
enum { NORTH, SOUTH, UP, DOWN, WAYS };

static const char *const names[] = {"the great hall", "a damp cellar", "the windy tower", "a walled garden", "the vault"};
static const char *const things[] = {"lamp", "key", "rope", "gold"};
static const char *const ways[] = {"north", "south", "up", "down"};
static const signed char map[ROOMS][WAYS] = {{GARDEN, -1, TOWER, CELLAR}, {VAULT, -1, HALL, -1}, {-1, -1, -1, HALL}, {-1, HALL, -1, -1}, {-1, CELLAR, -1, -1}};
static Room at, place[THINGS] = {HALL, TOWER, GARDEN, VAULT};
static int lit, unlocked, turns, score, over;

static int find(const char *word, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(word, list[i]) == 0)
            return i;
    return -1;
}

static void look(void)
{
    if (at == CELLAR && !(lit && place[LAMP] == CARRIED)) {
        puts("It is dark.");
        return;
    }
    printf("You are in %s.", names[at]);
    for (int t = 0; t < THINGS; t++)
        if (place[t] == at)
            printf(" There is a %s.", things[t]);
    puts("");
}

static void go(int way)
{
    int to = map[at][way];
    if (to < 0)
        puts("No way.");
    else if (to == VAULT && !unlocked)
        puts("The door is locked.");
    else {
        at = (Room)to;
        score += to == VAULT ? 20 : 1;
        look();
    }
}

static void take(int t)
{
    if (t < 0 || place[t] != at)
        puts("Not here.");
    else {
        place[t] = CARRIED;
        score += 5;
        printf("Taken: %s.\n", things[t]);
    }
}

static void use(int t)
{
    if (t < 0 || place[t] != CARRIED) {
        puts("You have no such thing.");
        return;
    }
    switch ((Thing)t) {
    case LAMP: lit = !lit; puts(lit ? "Light!" : "Darkness."); break;
    case KEY:
        if (at == CELLAR) unlocked = 1, puts("Click.");
        else puts("Nothing to unlock.");
        break;
    case ROPE: puts(at == TOWER ? "You climb down." : "Too short."); if (at == TOWER) at = GARDEN, look(); break;
    case GOLD: over = 1; score += 100; printf("You retire after %d turns.\n", turns); break;
    case THINGS: break;
    }
}

static void obey(char *line)
{
    char *verb = strtok(line, " \t\r\n"), *noun = strtok(NULL, " \t\r\n");
    if (!verb)
        return;
    for (char *p = verb; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    turns++;
    int way = find(verb, ways, WAYS), t = noun ? find(noun, things, THINGS) : -1;
    if (way >= 0) go(way);
    else if (!strcmp(verb, "look")) look();
    else if (!strcmp(verb, "take")) take(t);
    else if (!strcmp(verb, "drop") && t >= 0 && place[t] == CARRIED) place[t] = at, puts("Dropped.");
    else if (!strcmp(verb, "use")) use(t);
    else if (!strcmp(verb, "score")) printf("Score %d in %d turns.\n", score, turns);
    else if (!strcmp(verb, "quit")) over = 1;
    else printf("I do not know how to %s%s%s.\n", verb, noun ? " " : "", noun ? noun : "");
}

int main(void)
{
    static const char *const walk[] = {"look", "take lamp", "DOWN", "up", "use lamp", "up", "take key", "north", "dance wildly", "take gold", "down", "north", "take rope", "use rope",
                                       "south", "down", "look", "north", "use key", "north", "take gold", "score", "", "use sword", "use gold"};
    char line[200];
    int typed = 0;
    look();
    while (!over && fgets(line, sizeof line, stdin)) {
        typed++;
        printf("> %s", line);
        obey(line);
    }
    for (size_t i = 0; !typed && !over && i < sizeof walk / sizeof *walk; i++) {
        strcpy(line, walk[i]);
        printf("> %s\n", line);
        obey(line);
    }
    printf("final score %d, %d lines typed, eof %d error %d\n", score, typed, feof(stdin) != 0, ferror(stdin) != 0);
    return score & 0x7f;
}
