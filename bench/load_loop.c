/*
 * An epoll loop, level-triggered. One thread runs it; only load_loop_wake() may be called by
 * others. A source that closes its descriptor within a turn stays in memory until the loop has
 * ended, so that events already fetched do no harm.
 */
#include "load_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "load_buffer.h"
#include "load_clock.h"
#include "load_fatal.h"

enum { EVENTS_A_TURN = 256 };

void load_loop_init(struct load_loop *loop)
{
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = NULL};

    *loop = (struct load_loop){
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .read_buffer = load_buffer_new_objects(LOAD_LOOP_READ_SIZE, 1),
    };
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &wake) != 0)
        load_fatal("epoll: %s", strerror(errno));
}

void load_loop_deinit(struct load_loop *loop)
{
    close(loop->epoll_fd);
    close(loop->wake_fd);
    free(loop->read_buffer);
    *loop = (struct load_loop){.epoll_fd = -1, .wake_fd = -1};
}

void load_loop_watch(struct load_loop *loop, int fd, struct load_loop_source *source,
                     uint32_t events, bool add)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (epoll_ctl(loop->epoll_fd, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0)
        load_fatal("epoll: %s", strerror(errno));
}

void load_loop_touch(struct load_loop *loop, struct load_loop_source *source)
{
    if (source->touched)
        return;
    source->touched = true;
    source->next_touched = loop->touched;
    loop->touched = source;
}

void load_loop_wait(struct load_loop *loop, int64_t timeout_ns)
{
    struct epoll_event events[EVENTS_A_TURN];
    struct timespec timeout = {.tv_sec = timeout_ns / LOAD_CLOCK_NS_PER_S,
                               .tv_nsec = timeout_ns % LOAD_CLOCK_NS_PER_S};
    int count =
        epoll_pwait2(loop->epoll_fd, events, EVENTS_A_TURN, timeout_ns < 0 ? NULL : &timeout, NULL);

    if (count < 0 && errno != EINTR)
        load_fatal("epoll: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct load_loop_source *source = events[i].data.ptr;
        uint64_t wakes;

        if (source != NULL)
            source->handler->on_events(source, events[i].events);
        else if (read(loop->wake_fd, &wakes, sizeof(wakes)) < 0 && errno != EAGAIN)
            load_fatal("eventfd: %s", strerror(errno));
    }
}

void load_loop_end_turn(struct load_loop *loop)
{
    struct load_loop_source *source = loop->touched;

    loop->touched = NULL;
    while (source != NULL) {
        struct load_loop_source *next = source->next_touched;

        source->touched = false;
        source->handler->on_turn_end(source);
        source = next;
    }
}

void load_loop_wake(struct load_loop *loop)
{
    const uint64_t one = 1;

    /* It can only fail when the counter is full, and then the loop is awake. */
    if (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
        load_fatal("eventfd: %s", strerror(errno));
}
