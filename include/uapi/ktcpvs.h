/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family "KTCPVS", by which the layer-7 switch is configured.
 *
 * - Commands act on the network namespace of the socket, and want CAP_NET_ADMIN in the initial user namespace (EPERM). So do dumps.
 * - They are validated strictly: an unknown attribute, one of a wrong length, a number out of its range, a nest without
 *   NLA_F_NESTED, bytes behind the last attribute are errors (EINVAL, ERANGE). What is wrong is said in NLMSGERR_ATTR_MSG, and where in
 *   NLMSGERR_ATTR_OFFS, if the socket has NETLINK_EXT_ACK set.
 * - Clients must ignore attributes that they do not know.
 * - Numbers are in host order except where it says "network order". Addresses are in network order, 4 bytes for IPv4 and 16 for
 *   IPv6. Strings end with a NUL.
 */
#ifndef _UAPI_KTCPVS_H
#define _UAPI_KTCPVS_H

#define KTCPVS_GENL_NAME "KTCPVS"
#define KTCPVS_GENL_VERSION 1

/* The multicast group of KTCPVS_CMD_EVENT. */
#define KTCPVS_GROUP "monitor"

/* Commands. */
enum {
	KTCPVS_CMD_NEW_SERVICE = 1,	/* SERVICE */
	KTCPVS_CMD_SET_SERVICE,		/* SERVICE: its name, and what changes */
	KTCPVS_CMD_DEL_SERVICE,		/* SERVICE: its name */
	KTCPVS_CMD_GET_SERVICE,		/* SERVICE: its name; or a dump of all. Answered with NEW_SERVICE */
	KTCPVS_CMD_NEW_SERVER,		/* SERVICE: its name; SERVER */
	KTCPVS_CMD_SET_SERVER,		/* as NEW_SERVER */
	KTCPVS_CMD_DEL_SERVER,		/* SERVICE: its name; SERVER: FAMILY, ADDR, PORT */
	KTCPVS_CMD_GET_SERVER,		/* dump. SERVICE: its name. Answered with NEW_SERVER */
	KTCPVS_CMD_NEW_RULE,		/* SERVICE: its name; RULE */
	KTCPVS_CMD_DEL_RULE,		/* SERVICE: its name; RULE: without MATCH */
	KTCPVS_CMD_GET_RULE,		/* dump. SERVICE: its name. Answered with NEW_RULE */
	KTCPVS_CMD_FLUSH,		/* nothing */
	KTCPVS_CMD_START,		/* SERVICE: its name; nothing: all */
	KTCPVS_CMD_STOP,		/* SERVICE: its name; nothing: all */
	KTCPVS_CMD_INFO,		/* nothing. Answered with INFO: VERSION */
	KTCPVS_CMD_APPLY,		/* any number of SERVICE, each with SERVERS and RULES: all of them at one moment, or none */
	/*
	 * Dump: relays. Each that is there from the first message to the last is in exactly one of them; those that come or go
	 * meanwhile are in one or in none.
	 *
	 *   SERVICE  its name: only those of that service, if present
	 *   RELAY    only those with these values, if present: any of CLIENT_ADDR, CLIENT_PORT, SERVER_ADDR, SERVER_PORT
	 *
	 * Answered with GET_RELAY: SERVICE with its name, RELAY.
	 */
	KTCPVS_CMD_GET_RELAY,
	/*
	 * Ends relays: both connections are reset. The attributes are those of GET_RELAY, at least one of them (EINVAL), or FLAGS with
	 * KTCPVS_ALL. Those that begin meanwhile may stay. Answered with DEL_RELAY: COUNT.
	 */
	KTCPVS_CMD_DEL_RELAY,
	/*
	 * To the members of the group: something was changed in this namespace. Sent once for each change that was made, in the
	 * order in which they were made, also if all stays as it was, and not for a request that has failed. A member that reads too slowly, or for whom there was no
	 * memory, gets ENOBUFS from recv(), and should list everything anew.
	 *
	 *   ACTION   what was done, KTCPVS_ACTION_*
	 *   PORTID   the netlink port of the socket that asked for it; 0: not asked for by netlink
	 * and what it is about, as it is now:
	 *   a service   SERVICE: all of it without SERVERS, RULES and STATS; with ACTION_DEL, ACTION_START and ACTION_STOP its name
	 *   a server    SERVICE: its name; SERVER: FAMILY, ADDR, PORT and WEIGHT; with ACTION_DEL without WEIGHT
	 *   a rule      SERVICE: its name; RULE
	 *   everything  nothing, with ACTION_FLUSH and ACTION_APPLY
	 */
	KTCPVS_CMD_EVENT = 64,
};

/* Attributes at the top of a message. */
enum {
	KTCPVS_ATTR_SERVICE = 1,	/* nest */
	KTCPVS_ATTR_SERVER,		/* nest */
	KTCPVS_ATTR_RULE,		/* nest */
	KTCPVS_ATTR_RELAY,		/* nest */
	KTCPVS_ATTR_VERSION,		/* u32: 0x010000 is 1.0.0 */
	KTCPVS_ATTR_FLAGS,		/* u32: KTCPVS_ALL */
	KTCPVS_ATTR_ACTION,		/* u8: KTCPVS_ACTION_* */
	KTCPVS_ATTR_PORTID,		/* u32 */
	KTCPVS_ATTR_COUNT,		/* u32 */
};

/* KTCPVS_ATTR_FLAGS: everything, not only what the request names. */
#define KTCPVS_ALL 1

/* KTCPVS_ATTR_ACTION. */
enum {
	KTCPVS_ACTION_NEW = 1,		/* a service, a server or a rule was added */
	KTCPVS_ACTION_SET,		/* a service or a server was changed */
	KTCPVS_ACTION_DEL,		/* a service, with its servers and rules, a server or a rule was deleted */
	KTCPVS_ACTION_FLUSH,		/* all services were deleted */
	KTCPVS_ACTION_START,		/* a service was started */
	KTCPVS_ACTION_STOP,		/* a service was stopped */
	KTCPVS_ACTION_APPLY,		/* all services were replaced at one moment */
};

/* A service. */
enum {
	KTCPVS_SERVICE_NAME = 1,	/* string, 1 to 15 bytes: letters, digits, ".", "_", "-" */
	KTCPVS_SERVICE_FAMILY,		/* u16: AF_INET or AF_INET6 */
	KTCPVS_SERVICE_ADDR,		/* 4 or 16 bytes: where it listens */
	KTCPVS_SERVICE_PORT,		/* u16, network order */
	KTCPVS_SERVICE_SCHEDULER,	/* string, 1 to 15 bytes */
	KTCPVS_SERVICE_START,		/* u32: 1 to 65535, without effect */
	KTCPVS_SERVICE_MAX_CLIENTS,	/* u32: 1 to 65535, relays at the same time */
	KTCPVS_SERVICE_MIN_SPARE,	/* u32: 1 to 65535, without effect */
	KTCPVS_SERVICE_MAX_SPARE,	/* u32: 1 to 65535, without effect */
	KTCPVS_SERVICE_REDIRECT_ADDR,	/* 4 or 16 bytes */
	KTCPVS_SERVICE_REDIRECT_PORT,	/* u16, network order */
	KTCPVS_SERVICE_FLAGS,		/* u32: KTCPVS_F_* */
	KTCPVS_SERVICE_TRUSTED_ADDR,	/* 4 or 16 bytes */
	KTCPVS_SERVICE_TRUSTED_BITS,	/* u32: 0 to 32 or 128 */
	KTCPVS_SERVICE_MAX_BODY,	/* u64: bytes */
	KTCPVS_SERVICE_IDLE,		/* u32: idle connections to each server */
	KTCPVS_SERVICE_STATES,		/* u32; answers only */
	KTCPVS_SERVICE_SERVERS,		/* nest of nests: servers */
	KTCPVS_SERVICE_RULES,		/* nest of nests: rules */
	KTCPVS_SERVICE_STATS,		/* nest; answers only */
	KTCPVS_SERVICE_PAD,
};

/* KTCPVS_SERVICE_FLAGS. */
#define KTCPVS_F_FORWARDED 1
#define KTCPVS_F_TRANSPARENT 2
#define KTCPVS_F_SNI 4
#define KTCPVS_F_PROXY_V2 8
#define KTCPVS_F_RUNNING 16
#define KTCPVS_F_DRAINING 32

/* A server. */
enum {
	KTCPVS_SERVER_FAMILY = 1,	/* u16: AF_INET or AF_INET6 */
	KTCPVS_SERVER_ADDR,		/* 4 or 16 bytes */
	KTCPVS_SERVER_PORT,		/* u16, network order */
	KTCPVS_SERVER_WEIGHT,		/* u32: 0 to 65535 */
	KTCPVS_SERVER_CONNS,		/* u32; answers only, as are all below */
	KTCPVS_SERVER_POOLED,		/* u32 */
	KTCPVS_SERVER_DOWN,		/* u32: milliseconds */
	KTCPVS_SERVER_STATS,		/* nest */
};

/* A rule. */
enum {
	KTCPVS_RULE_PATTERN = 1,	/* string, 1 to 255 bytes */
	KTCPVS_RULE_MATCH,		/* u8: 0 to 9 */
	KTCPVS_RULE_FAMILY,		/* u16: AF_INET or AF_INET6 */
	KTCPVS_RULE_ADDR,		/* 4 or 16 bytes: a server of the service */
	KTCPVS_RULE_PORT,		/* u16, network order */
};

/* A relay. */
enum {
	KTCPVS_RELAY_CLIENT_ADDR = 1,	/* 4 or 16 bytes */
	KTCPVS_RELAY_CLIENT_PORT,	/* u16, network order */
	KTCPVS_RELAY_SERVER_ADDR,	/* 4 or 16 bytes */
	KTCPVS_RELAY_SERVER_PORT,	/* u16, network order */
	KTCPVS_RELAY_STATE,		/* string: idle, head, choosing, connecting, exchange, tunnel, fault, lingering, ending */
	KTCPVS_RELAY_AGE,		/* u32: seconds */
	KTCPVS_RELAY_IN,		/* u64: bytes from the client */
	KTCPVS_RELAY_OUT,		/* u64: bytes to the client */
	KTCPVS_RELAY_REQUESTS,		/* u32 */
	KTCPVS_RELAY_PAD,
};

/* Statistics. */
enum {
	KTCPVS_STATS_CONNS = 1,		/* u64 */
	KTCPVS_STATS_REQUESTS,		/* u64 */
	KTCPVS_STATS_IN,		/* u64: bytes from clients */
	KTCPVS_STATS_OUT,		/* u64: bytes to clients */
	KTCPVS_STATS_S2XX,		/* u64: answers of servers with a status of 200 to 299. Of a connection of which only the
					 * first request is read, the first answer counts; so it is with the next three
					 */
	KTCPVS_STATS_S3XX,		/* u64 */
	KTCPVS_STATS_S4XX,		/* u64 */
	KTCPVS_STATS_S5XX,		/* u64 */
	KTCPVS_STATS_ERRORS,		/* nest of u64: answers of the switch itself, each of the type of its status */
	KTCPVS_STATS_REUSED,		/* u64 */
	KTCPVS_STATS_RETRIED,		/* u64 */
	KTCPVS_STATS_PAD,
};

#endif /* _UAPI_KTCPVS_H */
