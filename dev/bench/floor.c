/* The least that a copy of this kind can cost: threads, OpenSSL, the same requests and the same hashes, no interpreter.
 *
 *     floor SOURCE_PORT SINK_PORT OBJECT_ID LENGTH CONNECTIONS BLOCK_BYTES READ_BACK CA_FILE
 *
 * Ranges are read from the source, put as blocks into the sink and hashed in the file's order by one thread; with
 * READ_BACK all of it is read from the sink and hashed again. Prints a line of JSON: seconds, CPU seconds, memory.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

typedef struct {
    SSL *ssl;
    int port;
    char head[16384];
} Link;

static SSL_CTX *tls;
static int source_port, sink_port, connections;
static const char *object_id;
static long length, block;
static long taken, hashed; /* blocks */
static unsigned char **arrived;
static int is_reading_back;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void fail(const char *what) {
    fprintf(stderr, "the floor: %s\n", what);
    _exit(1);
}

static void dial(Link *to, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int handle = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (handle < 0 || connect(handle, (struct sockaddr *)&address, sizeof address)) fail("no connection");
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    to->ssl = SSL_new(tls);
    to->port = port;
    SSL_set_fd(to->ssl, handle);
    SSL_set_tlsext_host_name(to->ssl, "localhost");
    if (SSL_connect(to->ssl) != 1) fail("no handshake");
}

static void say(Link *to, const unsigned char *bytes, long count) {
    while (count > 0) {
        int done = SSL_write(to->ssl, bytes, count > (1 << 20) ? 1 << 20 : (int)count);
        if (done <= 0) fail("the connection broke while writing");
        bytes += done;
        count -= done;
    }
}

/* Reads an answer; its body goes into `body`, which holds at most `room` bytes. */
static void hear(Link *to, unsigned char *body, long room) {
    int there = 0;
    char *end = NULL, *found;
    while (!end) {
        int count = SSL_read(to->ssl, to->head + there, (int)sizeof to->head - 1 - there);
        if (count <= 0) fail("no answer");
        there += count;
        to->head[there] = 0;
        end = strstr(to->head, "\r\n\r\n");
    }
    if (to->head[9] != '2') fail("an answer that is no success");
    *end = 0;
    found = strcasestr(to->head, "content-length:");
    long left = found ? atol(found + 15) : 0, ahead = there - (end + 4 - to->head);
    if (left > room) fail("a longer body than asked for");
    memcpy(body, end + 4, (size_t)ahead);
    body += ahead;
    left -= ahead;
    while (left > 0) {
        int count = SSL_read(to->ssl, body, left > (1 << 20) ? 1 << 20 : (int)left);
        if (count <= 0) fail("a body that ends early");
        body += count;
        left -= count;
    }
}

static long size_of(long number) { return (number + 1) * block > length ? length - number * block : block; }

static void get(Link *from, const char *path, long number, unsigned char *into) {
    char head[1024];
    int count = snprintf(head, sizeof head,
                         "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nRange: bytes=%ld-%ld\r\n\r\n", path, from->port,
                         number * block, number * block + size_of(number) - 1);
    say(from, (unsigned char *)head, count);
    hear(from, into, block);
}

static void put(Link *to, const char *path, const char *query, const unsigned char *bytes, long count) {
    char head[1024];
    unsigned char answer[4096];
    int size = snprintf(head, sizeof head, "PUT %s?%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %ld\r\n\r\n",
                        path, query, to->port, count);
    say(to, (unsigned char *)head, size);
    say(to, bytes, count);
    hear(to, answer, sizeof answer);
}

static void *work(void *unused) {
    char from[256], to[256], query[128];
    Link *source = calloc(1, sizeof *source), *sink = calloc(1, sizeof *sink);
    unsigned char *buffer = malloc((size_t)block);
    (void)unused;
    snprintf(from, sizeof from, "/v1/objects/%s/content/video", object_id);
    snprintf(to, sizeof to, "/bench/bench/%s", object_id);
    for (;;) {
        pthread_mutex_lock(&lock);
        long number = taken * block < length ? taken++ : -1;
        pthread_mutex_unlock(&lock);
        if (number < 0) return NULL;
        Link *link = is_reading_back ? sink : source;
        if (!link->ssl) dial(link, is_reading_back ? sink_port : source_port);
        get(link, is_reading_back ? to : from, number, buffer);
        pthread_mutex_lock(&lock);
        arrived[number] = buffer;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        if (!is_reading_back) {
            if (!sink->ssl) dial(sink, sink_port);
            snprintf(query, sizeof query, "comp=block&blockid=%08ld", number);
            put(sink, to, query, buffer, size_of(number));
        }
        pthread_mutex_lock(&lock);
        while (hashed <= number) pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
    }
}

static void pass(unsigned char *digest) {
    long blocks = (length + block - 1) / block;
    pthread_t *threads = calloc((size_t)connections, sizeof *threads);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    unsigned int size;
    taken = hashed = 0;
    arrived = calloc((size_t)blocks, sizeof *arrived);
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (int at = 0; at < connections; at++) pthread_create(&threads[at], NULL, work, NULL);
    while (hashed < blocks) {
        pthread_mutex_lock(&lock);
        while (!arrived[hashed]) pthread_cond_wait(&changed, &lock);
        unsigned char *bytes = arrived[hashed];
        pthread_mutex_unlock(&lock);
        EVP_DigestUpdate(hash, bytes, (size_t)size_of(hashed));
        pthread_mutex_lock(&lock);
        hashed++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    for (int at = 0; at < connections; at++) pthread_join(threads[at], NULL);
    EVP_DigestFinal_ex(hash, digest, &size);
}

static double now(void) {
    struct timeval at;
    gettimeofday(&at, NULL);
    return (double)at.tv_sec + (double)at.tv_usec / 1e6;
}

int main(int count, char **words) {
    unsigned char given[32], stored[32];
    struct rusage used;
    if (count != 9) fail("eight arguments are needed");
    signal(SIGPIPE, SIG_IGN);
    source_port = atoi(words[1]);
    sink_port = atoi(words[2]);
    object_id = words[3];
    length = atol(words[4]);
    connections = atoi(words[5]);
    block = atol(words[6]);
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(tls, words[8], NULL) != 1) fail("no certificates");
    double begun = now();
    pass(given);
    if (atoi(words[7])) {
        is_reading_back = 1;
        pass(stored);
        if (memcmp(given, stored, sizeof given)) fail("the copy differs from the source");
    }
    double seconds = now() - begun;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"seconds\": %f, \"cpu\": %f, \"rss_mb\": %f}\n", seconds,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           (double)used.ru_maxrss * 1024 / 1e6);
    return 0;
}
