// SPDX-License-Identifier: GPL-2.0
// Asks a web server again and again, by as many clients as are wanted, each of which sends its next request when it has all of the
// answer to the last one:
//
//   load ADDRESS PORT PATH REQUESTS CLIENTS new|kept    a connection for each request, or one for each client
//   load ADDRESS PORT PATH REQUESTS CLIENTS held        as many connections as requests, of which each is kept without another request
//
// prints the nanoseconds of the clock for each request. With `held` it prints them when all connections have had an answer, waits for
// the end of its standard input, and asks once more on each connection. Anything but a whole answer with the status 200 ends it.
// With MARKS in the environment the requests are marked for the plugin in counts.c.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK ((char *)0x5eed0000000)
#define END_MARK 0x800
#define RETURN ((char)0xc3)
#define STALLED_MS 5000

struct client {
	int socket;
	// What is known of an answer: its head, and the length of all of it, which is 0 until the head is complete.
	char head[1024];
	size_t got, length;
};

static struct sockaddr_in server = { .sin_family = AF_INET };
static char request[1024];
static size_t request_length;
static bool is_kept;
static int epoll;

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void wait_for(struct client *client, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = client };

	if (epoll_ctl(epoll, operation, client->socket, &event))
		die("epoll_ctl");
}

static void begin(struct client *client)
{
	int one = 1;

	client->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (client->socket < 0)
		die("socket");
	setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(client->socket, (struct sockaddr *)&server, sizeof(server)) && errno != EINPROGRESS)
		die("connect");
	wait_for(client, EPOLL_CTL_ADD, EPOLLOUT);
}

static void ask(struct client *client)
{
	client->got = client->length = 0;
	if (write(client->socket, request, request_length) != (ssize_t)request_length)
		die("write");
}

// Looks for the length of an answer in what has come of it.
static void measure(struct client *client, const char *part, size_t length)
{
	size_t room = sizeof(client->head) - 1 - client->got;
	char *end, *field;

	length = length < room ? length : room;
	memcpy(client->head + client->got, part, length);
	client->head[client->got + length] = 0;
	end = strstr(client->head, "\r\n\r\n");
	if (!end)
		return;
	field = strcasestr(client->head, "\r\ncontent-length:");
	if (strncmp(client->head, "HTTP/1.1 200", 12) || !field || field > end)
		die(client->head);
	client->length = (size_t)(end + 4 - client->head) + strtoul(field + 17, NULL, 10);
}

// Takes what has come; whether a request is done, which for a new connection means that it has ended, too.
static bool is_done(struct client *client)
{
	static char part[1 << 18];
	ssize_t length = read(client->socket, part, sizeof(part));

	if (length < 0 && errno == EAGAIN)
		return false;
	if (length < 0)
		die("read");
	if (length > 0) {
		if (!client->length)
			measure(client, part, (size_t)length);
		client->got += (size_t)length;
		return is_kept && client->length && client->got >= client->length;
	}
	if (is_kept || !client->length || client->got != client->length)
		die("an answer that is cut off");
	close(client->socket);
	return true;
}

// Does all requests, by clients that are connected already if `connected` says so; the nanoseconds that it took.
static int64_t run(struct client *clients, long requests, long count, bool connected)
{
	long begun = 0, done = 0;
	int64_t start = now();

	for (; begun < count && begun < requests; begun++) {
		if (connected)
			ask(&clients[begun]);
		else
			begin(&clients[begun]);
	}
	while (done < requests) {
		struct epoll_event events[64];
		int found = epoll_wait(epoll, events, 64, STALLED_MS);

		if (found <= 0)
			die("nothing comes any more");
		for (int i = 0; i < found; i++) {
			struct client *client = events[i].data.ptr;

			if (events[i].events == EPOLLOUT) {
				wait_for(client, EPOLL_CTL_MOD, EPOLLIN);
				ask(client);
			} else if (is_done(client)) {
				done++;
				if (begun == requests)
					continue;
				begun++;
				if (is_kept)
					ask(client);
				else
					begin(client);
			}
		}
	}
	return now() - start;
}

// One client after the other, so that no backlog overflows.
static int64_t hold(struct client *clients, long count)
{
	int64_t time = 0;

	for (long i = 0; i < count; i++)
		time += run(&clients[i], 1, 1, false);
	return time;
}

static void mark(size_t place)
{
	if (getenv("MARKS"))
		((void (*)(void))(MARK + place))();
}

static void make_marks(void)
{
	if (!getenv("MARKS"))
		return;
	if (mmap(MARK, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MARK)
		die("mmap");
	MARK[0] = MARK[END_MARK] = RETURN;
}

int main(int count, char **words)
{
	struct rlimit files = { 65536, 65536 };
	struct client *clients;
	long requests, number;
	int64_t time;
	bool is_held;

	if (count != 7 || inet_pton(AF_INET, words[1], &server.sin_addr) != 1)
		return 2;
	server.sin_port = htons((uint16_t)atoi(words[2]));
	requests = atol(words[4]);
	is_held = !strcmp(words[6], "held");
	is_kept = is_held || !strcmp(words[6], "kept");
	number = is_held ? requests : atol(words[5]);
	request_length = (size_t)snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n", words[3],
		is_kept ? "" : "Connection: close\r\n");
	setrlimit(RLIMIT_NOFILE, &files);
	make_marks();
	epoll = epoll_create1(0);
	clients = calloc((size_t)number, sizeof(*clients));
	if (epoll < 0 || !clients)
		die("beginning");
	mark(0);
	time = is_held ? hold(clients, number) : run(clients, requests, number, false);
	mark(END_MARK);
	printf("%.0f\n", (double)time / (double)requests);
	fflush(stdout);
	if (is_held) {
		while (getchar() != EOF)
			;
		for (long i = 0; i < number; i++)
			run(&clients[i], 1, 1, true);
	}
	return 0;
}
