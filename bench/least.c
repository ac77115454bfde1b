/*
 * The least that a server has to do for fio's writes over NBD: it receives, does one thing, and
 * answers. bench/bound compiles and starts it; what fio gets from it is what fio can do here.
 *
 *   least SOCKET FILE SIZE in-place|together|nothing
 *
 * Each write goes to its place in the file; or is copied to memory, which is written when 1 MiB of
 * what follows each other is there; or nowhere. One client after another; nothing else is answered,
 * wrong requests end it. It is an instrument, not an example: errors are not told to the client.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    AT_ONCE = 256 << 10,
    TOGETHER = 1 << 20,
    ROOM = 4 << 20,
    ANSWERS = 1 << 16,
    LOOKS = 200, /* before it sleeps */
    WRITE = 1,
    DISCONNECT = 2,
    OPTION_INFO = 6,
    OPTION_GO = 7,
    OPTION_STRUCTURED = 8,
    ACKNOWLEDGED = 1,
    INFO = 3,
};

static int client;
static int file;
static uint64_t size;
static char in[ROOM];
static char out[ANSWERS];
static char together[TOGETHER];
static uint64_t place;
static size_t gathered;

static void need(int true_one) {
    if (!true_one) {
        _exit(1);
    }
}

static void get(void *to, size_t count) {
    need(count == 0 || recv(client, to, count, MSG_WAITALL) == (ssize_t)count);
}

static void put(const void *from, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t sent = send(client, (const char *)from + done, count - done, MSG_NOSIGNAL);
        need(sent > 0);
        done += (size_t)sent;
    }
}

static void put_big(char *at, uint64_t value, int bytes) {
    value = htobe64(value);
    memcpy(at, (char *)&value + sizeof value - bytes, (size_t)bytes);
}

static uint64_t get_big(const char *at, int bytes) {
    uint64_t value = 0;
    memcpy((char *)&value + sizeof value - bytes, at, (size_t)bytes);
    return be64toh(value);
}

static void reply(uint32_t option, uint32_t type, const char *data, uint32_t count) {
    char head[20];
    put_big(head, 0x3e889045565a9, 8);
    put_big(head + 8, option, 4);
    put_big(head + 12, type, 4);
    put_big(head + 16, count, 4);
    put(head, sizeof head);
    put(data, count);
}

/* Returns whether replies are structured. */
static int negotiate(void) {
    char head[18];
    char ignored[4096];
    int structured = 0;
    put_big(head, 0x4e42444d41474943, 8);
    put_big(head + 8, 0x49484156454f5054, 8);
    put_big(head + 16, 3, 2);
    put(head, sizeof head);
    get(ignored, 4);
    for (;;) {
        get(head, 16);
        uint32_t option = (uint32_t)get_big(head + 8, 4);
        uint32_t count = (uint32_t)get_big(head + 12, 4);
        need(count <= sizeof ignored);
        get(ignored, count);
        if (option == OPTION_STRUCTURED) {
            structured = 1;
            reply(option, ACKNOWLEDGED, "", 0);
        } else if (option == OPTION_GO || option == OPTION_INFO) {
            char info[12];
            put_big(info, 0, 2);
            put_big(info + 2, size, 8);
            put_big(info + 10, 1 | 4 | 8, 2); /* flags, flush, FUA */
            reply(option, INFO, info, sizeof info);
            reply(option, ACKNOWLEDGED, "", 0);
            if (option == OPTION_GO) {
                return structured;
            }
        } else {
            reply(option, 0x80000001U, "", 0);
        }
    }
}

static void write_gathered(void) {
    need(pwrite(file, together, gathered, (off_t)place) == (ssize_t)gathered);
    gathered = 0;
}

static void gather(const char *from, size_t count, uint64_t at) {
    if (gathered > 0 && (at != place + gathered || count > TOGETHER - gathered)) {
        write_gathered();
    }
    if (gathered == 0) {
        place = at;
    }
    memcpy(together + gathered, from, count);
    gathered += count;
    if (gathered == TOGETHER) {
        write_gathered();
    }
}

static size_t answer(char *at, const char *request, int structured) {
    if (structured) {
        put_big(at, 0x668e33ef, 4);
        put_big(at + 4, 1, 2);
        put_big(at + 6, 0, 2);
        memcpy(at + 8, request + 8, 8);
        put_big(at + 16, 0, 4);
        return 20;
    }
    put_big(at, 0x67446698, 4);
    put_big(at + 4, 0, 4);
    memcpy(at + 8, request + 8, 8);
    return 16;
}

static void serve(const char *mode) {
    int structured = negotiate();
    size_t have = 0;
    for (;;) {
        ssize_t got = -1;
        for (int i = 0; i < LOOKS && got < 0; i++) {
            got = recv(client, in + have, AT_ONCE, MSG_DONTWAIT);
        }
        if (got < 0) {
            got = recv(client, in + have, AT_ONCE, 0);
        }
        if (got <= 0) {
            return;
        }
        have += (size_t)got;
        size_t at = 0;
        size_t answers = 0;
        while (have - at >= 28) {
            char *request = in + at;
            int type = (int)get_big(request + 6, 2);
            uint64_t offset = get_big(request + 16, 8);
            size_t count = (size_t)get_big(request + 24, 4);
            size_t all = 28 + (type == WRITE ? count : 0);
            need(count <= TOGETHER);
            if (have - at < all) {
                break;
            }
            if (type == DISCONNECT) {
                if (gathered > 0) {
                    write_gathered();
                }
                return;
            }
            if (type == WRITE && mode[0] == 'i') {
                need(pwrite(file, request + 28, count, (off_t)offset) == (ssize_t)count);
            } else if (type == WRITE && mode[0] == 't') {
                gather(request + 28, count, offset);
            }
            need(answers + 20 <= sizeof out);
            answers += answer(out + answers, request, structured);
            at += all;
        }
        put(out, answers);
        memmove(in, in + at, have - at);
        have -= at;
    }
}

int main(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    need(count == 5 && strlen(arguments[1]) < sizeof address.sun_path);
    strcpy(address.sun_path, arguments[1]);
    file = open(arguments[2], O_RDWR | O_CREAT, 0600);
    size = strtoull(arguments[3], NULL, 10);
    need(file >= 0 && ftruncate(file, (off_t)size) == 0);
    memset(in, 1, sizeof in);
    memset(together, 1, sizeof together);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    need(bind(listening, (struct sockaddr *)&address, sizeof address) == 0);
    need(listen(listening, 1) == 0);
    for (;;) {
        client = accept(listening, NULL, NULL);
        need(client >= 0);
        serve(arguments[4]);
        close(client);
    }
}
