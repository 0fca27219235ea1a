/*
 * What is told to one client alone: on the topics of the system that belong to no device. On the
 * session's home worker. Source: open-api.md 3.2
 */
#pragma once

#include "service/app_session.h"

/** Sends a message of this kind (ERRORS, NOTICE) to the client, if its session has subscribed to it,
 * in order with what it is sent otherwise. */
void app_own_send(struct app_session *a, enum open_kind kind, struct slice payload);
