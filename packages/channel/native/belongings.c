#define _GNU_SOURCE
#include "circuit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

typedef struct {
  uv_loop_t *loop;
  napi_async_cleanup_hook_handle hook;
  /* One byte for each descriptor: whether it is ours to close. */
  unsigned char *ours;
  size_t room;
  /* Closes in the thread pool; the environment waits for them. */
  size_t closing;
  int ends;
} belongings;

static belongings *of(napi_env env) {
  void *self = NULL;
  return napi_get_instance_data(env, &self) == napi_ok ? self : NULL;
}

static void end_if_done(belongings *self) {
  if (!self->ends || self->closing > 0) return;
  if (self->hook != NULL) napi_remove_async_cleanup_hook(self->hook);
  free(self->ours);
  free(self);
}

static void was_closed(uv_fs_t *request) {
  belongings *self = request->data;
  uv_fs_req_cleanup(request);
  free(request);
  self->closing--;
  end_if_done(self);
}

static void environment_ends(napi_async_cleanup_hook_handle handle, void *data) {
  belongings *self = data;
  (void)handle;
  for (size_t fd = 0; fd < self->room; fd++)
    if (self->ours[fd]) close((int)fd);
  self->room = 0;
  self->ends = 1;
  end_if_done(self);
}

int circuit_belongings_begin(napi_env env) {
  belongings *self = calloc(1, sizeof *self);
  if (self == NULL) return 0;
  if (napi_get_uv_event_loop(env, &self->loop) != napi_ok || napi_set_instance_data(env, self, NULL, NULL) != napi_ok ||
      napi_add_async_cleanup_hook(env, environment_ends, self, &self->hook) != napi_ok) {
    napi_set_instance_data(env, NULL, NULL, NULL);
    free(self);
    return 0;
  }
  return 1;
}

int circuit_keep(napi_env env, int fd) {
  belongings *self = of(env);
  if (fd < 0) return fd;
  if (self != NULL && (size_t)fd >= self->room) {
    size_t room = ((size_t)fd + 1) * 2;
    unsigned char *ours = realloc(self->ours, room);
    if (ours != NULL) {
      memset(ours + self->room, 0, room - self->room);
      self->ours = ours;
      self->room = room;
    }
  }
  if (self == NULL || (size_t)fd >= self->room) {
    close(fd);
    return -ENOMEM;
  }
  self->ours[fd] = 1;
  return fd;
}

/* Whether it was ours; it is not any more. */
static int lose(belongings *self, int fd) {
  if (self == NULL || fd < 0 || (size_t)fd >= self->room || !self->ours[fd]) return 0;
  self->ours[fd] = 0;
  return 1;
}

/* close(fd): 1 if it was ours and is closed in the thread pool, since a close can wait for a file system; 0 if it was not. */
napi_value circuit_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!circuit_arguments(env, info, 1, args) || !circuit_as_int(env, args[0], &fd)) return circuit_misuse(env);
  belongings *self = of(env);
  if (!lose(self, fd)) return circuit_number(env, 0);
  uv_fs_t *request = malloc(sizeof *request);
  if (request == NULL || uv_fs_close(self->loop, request, fd, was_closed) != 0) {
    free(request);
    close(fd);
    return circuit_number(env, 1);
  }
  request->data = self;
  self->closing++;
  return circuit_number(env, 1);
}

/* release(fd): it is the caller's from now on. */
napi_value circuit_release(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!circuit_arguments(env, info, 1, args) || !circuit_as_int(env, args[0], &fd)) return circuit_misuse(env);
  return circuit_number(env, lose(of(env), fd));
}
