/*
 * The module, what its calls share, and most of them: descriptors passed over connected Unix sockets (SCM_RIGHTS). Nothing here
 * blocks; closing a descriptor that came from somebody else can wait for a file system, so that is left to the thread pool.
 * Every call answers with a number below zero, -errno, when the system refuses. Built by scripts/build-native.sh.
 */
#define _GNU_SOURCE
#include "circuit.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

napi_value circuit_number(napi_env env, int value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

napi_value circuit_misuse(napi_env env) {
  napi_throw_type_error(env, NULL, "circuit: arguments do not fit");
  return NULL;
}

int circuit_arguments(napi_env env, napi_callback_info info, size_t want, napi_value *args) {
  size_t count = want;
  return napi_get_cb_info(env, info, &count, args, NULL, NULL) == napi_ok && count == want;
}

int circuit_as_int(napi_env env, napi_value value, int *result) {
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
  if (!circuit_arguments(env, info, 1, args)) return circuit_misuse(env);
  if (napi_get_value_string_utf8(env, args[0], NULL, 0, &length) != napi_ok) return circuit_misuse(env);
  if (length == 0 || length >= sizeof address.sun_path) return circuit_number(env, -ENAMETOOLONG);
  napi_get_value_string_utf8(env, args[0], address.sun_path, sizeof address.sun_path, &length);
  /* A name that begins with a zero is no file, and ends where its bytes do. */
  size_t size = address.sun_path[0] != 0 ? sizeof address : offsetof(struct sockaddr_un, sun_path) + length;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return circuit_number(env, -errno);
  if (connect(fd, (struct sockaddr *)&address, (socklen_t)size) != 0) {
    int code = errno;
    close(fd);
    return circuit_number(env, -code);
  }
  return circuit_number(env, circuit_keep(env, fd));
}

/* duplicate(fd): a second descriptor of the same thing. */
static napi_value do_duplicate(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!circuit_arguments(env, info, 1, args) || !circuit_as_int(env, args[0], &fd)) return circuit_misuse(env);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return circuit_number(env, copy < 0 ? -errno : circuit_keep(env, copy));
}

/* shutdown(fd): nothing more will be written. */
static napi_value do_shutdown(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!circuit_arguments(env, info, 1, args) || !circuit_as_int(env, args[0], &fd)) return circuit_misuse(env);
  return circuit_number(env, shutdown(fd, SHUT_WR) != 0 ? -errno : 0);
}

/* socketKind(fd): 1 a connected stream socket, 2 a listening one, 3 another socket. */
static napi_value do_socket_kind(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd, type = 0, listens = 0;
  socklen_t length = sizeof type;
  struct sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;
  if (!circuit_arguments(env, info, 1, args) || !circuit_as_int(env, args[0], &fd)) return circuit_misuse(env);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) return circuit_number(env, -errno);
  length = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0) return circuit_number(env, -errno);
  if (listens) return circuit_number(env, 2);
  if (type != SOCK_STREAM || getpeername(fd, (struct sockaddr *)&peer, &peer_length) != 0) return circuit_number(env, 3);
  int family = peer.ss_family;
  return circuit_number(env, family == AF_UNIX || family == AF_INET || family == AF_INET6 ? 1 : 3);
}

/* send(lane, bytes, fd): one write with a descriptor; a negative fd stands for none. Answers with the bytes written. */
static napi_value do_send(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int lane, fd;
  void *data;
  size_t length;
  if (!circuit_arguments(env, info, 3, args) || !circuit_as_int(env, args[0], &lane) || !as_bytes(env, args[1], &data, &length) ||
      !circuit_as_int(env, args[2], &fd))
    return circuit_misuse(env);
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
  return circuit_number(env, sent < 0 ? -errno : (int)sent);
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
  if (!circuit_arguments(env, info, 2, args) || !circuit_as_int(env, args[0], &lane) || !as_bytes(env, args[1], &data, &length))
    return circuit_misuse(env);
  if (napi_create_array(env, &result) != napi_ok) return circuit_misuse(env);
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
  int cut = got >= 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  napi_set_element(env, result, 0, circuit_number(env, got < 0 ? -errno : (int)got));
  unsigned at = 2;
  struct cmsghdr *header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
  for (; header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS || header->cmsg_len < CMSG_LEN(0)) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      if (circuit_keep(env, fd) < 0) cut = 1;
      /* Fails only in a thread that is being terminated; then the descriptor is closed with all that was kept. */
      else napi_set_element(env, result, at++, circuit_number(env, fd));
    }
  }
  napi_set_element(env, result, 1, circuit_number(env, cut));
  return result;
}

NAPI_MODULE_INIT() {
  if (!circuit_belongings_begin(env)) return circuit_misuse(env);
  const napi_property_descriptor functions[] = {
      {"connect", NULL, do_connect, NULL, NULL, NULL, napi_enumerable, NULL},
      {"duplicate", NULL, do_duplicate, NULL, NULL, NULL, napi_enumerable, NULL},
      {"socketKind", NULL, do_socket_kind, NULL, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, circuit_close, NULL, NULL, NULL, napi_enumerable, NULL},
      {"release", NULL, circuit_release, NULL, NULL, NULL, napi_enumerable, NULL},
      {"shutdown", NULL, do_shutdown, NULL, NULL, NULL, napi_enumerable, NULL},
      {"send", NULL, do_send, NULL, NULL, NULL, napi_enumerable, NULL},
      {"receive", NULL, do_receive, NULL, NULL, NULL, napi_enumerable, NULL},
      {"watch", NULL, circuit_watch, NULL, NULL, NULL, napi_enumerable, NULL},
      {"setEvents", NULL, circuit_set_events, NULL, NULL, NULL, napi_enumerable, NULL},
      {"unwatch", NULL, circuit_unwatch, NULL, NULL, NULL, napi_enumerable, NULL},
      {"yieldProcessor", NULL, circuit_yield, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
