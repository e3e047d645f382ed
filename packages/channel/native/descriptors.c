/*
 * Passes descriptors over connected Unix sockets (SCM_RIGHTS). Nothing here blocks and nothing closes a descriptor that came
 * from somebody else: closing can wait for a file system, so that is left to Node's thread pool.
 * Every call answers with a number below zero, -errno, when the system refuses. Built by scripts/build-native.sh.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

static napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

static napi_value misuse(napi_env env) {
  napi_throw_type_error(env, NULL, "descriptors: arguments do not fit");
  return NULL;
}

static int arguments(napi_env env, napi_callback_info info, size_t want, napi_value *args) {
  size_t count = want;
  return napi_get_cb_info(env, info, &count, args, NULL, NULL) == napi_ok && count == want;
}

static int as_int(napi_env env, napi_value value, int *result) {
  return napi_get_value_int32(env, value, result) == napi_ok;
}

static int as_bytes(napi_env env, napi_value value, void **data, size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

/* connect(path): a descriptor of a new connection. */
static napi_value do_connect(napi_env env, napi_callback_info info) {
  napi_value args[1];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = 0;
  if (!arguments(env, info, 1, args)) return misuse(env);
  if (napi_get_value_string_utf8(env, args[0], NULL, 0, &length) != napi_ok) return misuse(env);
  if (length == 0 || length >= sizeof address.sun_path) return number(env, -ENAMETOOLONG);
  napi_get_value_string_utf8(env, args[0], address.sun_path, sizeof address.sun_path, &length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return number(env, -errno);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int code = errno;
    close(fd);
    return number(env, -code);
  }
  return number(env, fd);
}

/* duplicate(fd): a second descriptor of the same thing. */
static napi_value do_duplicate(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!arguments(env, info, 1, args) || !as_int(env, args[0], &fd)) return misuse(env);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return number(env, copy < 0 ? -errno : copy);
}

/* socketKind(fd): 1 a connected stream socket, 2 a listening one, 3 another socket. */
static napi_value do_socket_kind(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd, type = 0, listens = 0;
  socklen_t length = sizeof type;
  struct sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;
  if (!arguments(env, info, 1, args) || !as_int(env, args[0], &fd)) return misuse(env);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) return number(env, -errno);
  length = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0) return number(env, -errno);
  if (listens) return number(env, 2);
  if (type != SOCK_STREAM || getpeername(fd, (struct sockaddr *)&peer, &peer_length) != 0) return number(env, 3);
  int family = peer.ss_family;
  return number(env, family == AF_UNIX || family == AF_INET || family == AF_INET6 ? 1 : 3);
}

/* send(lane, bytes, fd): one write with a descriptor; a negative fd stands for none. Answers with the bytes written. */
static napi_value do_send(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int lane, fd;
  void *data;
  size_t length;
  if (!arguments(env, info, 3, args) || !as_int(env, args[0], &lane) || !as_bytes(env, args[1], &data, &length) ||
      !as_int(env, args[2], &fd))
    return misuse(env);
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec piece = {.iov_base = data, .iov_len = length};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  if (fd >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = sizeof control.room;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent = sendmsg(lane, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return number(env, sent < 0 ? -errno : (int)sent);
}

/*
 * receive(lane, bytes): one read. Answers with [bytes read, whether descriptors were cut off, descriptors …]. There is room
 * for one descriptor and no more: whatever else a peer puts into a message the kernel drops.
 */
static napi_value do_receive(napi_env env, napi_callback_info info) {
  napi_value args[2], result;
  int lane;
  void *data;
  size_t length;
  if (!arguments(env, info, 2, args) || !as_int(env, args[0], &lane) || !as_bytes(env, args[1], &data, &length))
    return misuse(env);
  if (napi_create_array(env, &result) != napi_ok) return misuse(env);
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec piece = {.iov_base = data, .iov_len = length};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
  memset(&control, 0, sizeof control);
  /* Not CMSG_SPACE: its padding would be room for a second one. */
  message.msg_controllen = CMSG_LEN(sizeof(int));
  ssize_t got = recvmsg(lane, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  napi_set_element(env, result, 0, number(env, got < 0 ? -errno : (int)got));
  napi_set_element(env, result, 1, number(env, got >= 0 && (message.msg_flags & MSG_CTRUNC) != 0));
  if (got < 0) return result;
  unsigned at = 2;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      napi_set_element(env, result, at++, number(env, fd));
    }
  }
  return result;
}

/* A descriptor that is watched. It lives until it is closed and nobody in JavaScript knows it any more. */
typedef struct {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  int holders;
  int closing;
} watcher;

static void let_go(watcher *self) {
  if (--self->holders == 0) free(self);
}

static void closed(uv_handle_t *handle) {
  watcher *self = handle->data;
  if (self->hook != NULL) napi_remove_async_cleanup_hook(self->hook);
  let_go(self);
}

static void shut(watcher *self) {
  if (self->closing) return;
  self->closing = 1;
  uv_poll_stop(&self->poll);
  napi_delete_reference(self->env, self->callback);
  napi_async_destroy(self->env, self->context);
  uv_close((uv_handle_t *)&self->poll, closed);
}

static void environment_ends(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  shut(data);
}

static void forgotten(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
}

static void polled(uv_poll_t *poll, int status, int events) {
  watcher *self = poll->data;
  napi_env env = self->env;
  napi_handle_scope scope;
  napi_value callback, global, argument, thrown;
  if (self->closing || napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, self->callback, &callback) == napi_ok &&
      napi_get_global(env, &global) == napi_ok) {
    argument = number(env, status < 0 ? status : events);
    if (napi_make_callback(env, self->context, global, callback, 1, &argument, NULL) == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &thrown) == napi_ok)
      napi_fatal_exception(env, thrown);
  }
  napi_close_handle_scope(env, scope);
}

/* watch(fd, run): calls `run` when the descriptor is ready for what `setEvents` asked for. Does not keep the process alive. */
static napi_value do_watch(napi_env env, napi_callback_info info) {
  napi_value args[2], name, result;
  int fd;
  uv_loop_t *loop;
  napi_valuetype type;
  if (!arguments(env, info, 2, args) || !as_int(env, args[0], &fd) || napi_typeof(env, args[1], &type) != napi_ok ||
      type != napi_function || napi_get_uv_event_loop(env, &loop) != napi_ok)
    return misuse(env);
  watcher *self = calloc(1, sizeof *self);
  if (self == NULL) return number(env, -ENOMEM);
  int code = uv_poll_init(loop, &self->poll, fd);
  if (code != 0) {
    free(self);
    return number(env, code);
  }
  self->env = env;
  self->poll.data = self;
  self->holders = 2;
  uv_unref((uv_handle_t *)&self->poll);
  napi_create_string_utf8(env, "circuit:descriptors", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, args[1], 1, &self->callback);
  napi_async_init(env, NULL, name, &self->context);
  napi_add_async_cleanup_hook(env, environment_ends, self, &self->hook);
  if (napi_create_external(env, self, forgotten, NULL, &result) != napi_ok) {
    self->holders = 1;
    shut(self);
    return number(env, -ENOMEM);
  }
  return result;
}

static watcher *as_watcher(napi_env env, napi_value value) {
  napi_valuetype type;
  void *self = NULL;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  return napi_get_value_external(env, value, &self) == napi_ok ? self : NULL;
}

/* setEvents(watcher, events): 1 readable, 2 writable, 0 none. */
static napi_value do_set_events(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int events;
  if (!arguments(env, info, 2, args) || !as_int(env, args[1], &events)) return misuse(env);
  watcher *self = as_watcher(env, args[0]);
  if (self == NULL) return misuse(env);
  if (self->closing) return number(env, -EBADF);
  if (events == 0) return number(env, uv_poll_stop(&self->poll));
  return number(env, uv_poll_start(&self->poll, events & (UV_READABLE | UV_WRITABLE), polled));
}

/* unwatch(watcher): the descriptor may be closed afterwards. Twice is fine. */
static napi_value do_unwatch(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return misuse(env);
  watcher *self = as_watcher(env, args[0]);
  if (self == NULL) return misuse(env);
  shut(self);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"connect", NULL, do_connect, NULL, NULL, NULL, napi_enumerable, NULL},
      {"duplicate", NULL, do_duplicate, NULL, NULL, NULL, napi_enumerable, NULL},
      {"socketKind", NULL, do_socket_kind, NULL, NULL, NULL, napi_enumerable, NULL},
      {"send", NULL, do_send, NULL, NULL, NULL, napi_enumerable, NULL},
      {"receive", NULL, do_receive, NULL, NULL, NULL, napi_enumerable, NULL},
      {"watch", NULL, do_watch, NULL, NULL, NULL, napi_enumerable, NULL},
      {"setEvents", NULL, do_set_events, NULL, NULL, NULL, napi_enumerable, NULL},
      {"unwatch", NULL, do_unwatch, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
