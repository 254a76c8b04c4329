/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ipvs_rs adds to the generic netlink family "IPVS".
 *
 * Commands 1 to 17, their attributes and their answers are those of <linux/ip_vs.h>, to the byte: nothing here
 * changes them, and no answer to them holds anything from here. A client learns whether the additions are there by
 * asking the controller (CTRL_CMD_GETFAMILY): the family then has the multicast group IPVS_RS_GROUP.
 *
 * Rules for all commands below:
 *
 * - They act on the network namespace of the socket, and want CAP_NET_ADMIN in the initial user namespace (EPERM), as
 *   commands 1 to 17 do.
 * - They are validated strictly: an unknown attribute, one of a wrong length, a number out of its range, a nest without
 *   NLA_F_NESTED, bytes behind the last attribute, reserved bytes of the header that are not zero are errors (EINVAL,
 *   ERANGE). What is wrong is said in NLMSGERR_ATTR_MSG, and where in NLMSGERR_ATTR_OFFS, if the socket has
 *   NETLINK_EXT_ACK set.
 * - In what the kernel sends, nests carry NLA_F_NESTED. Clients must ignore attributes that they do not know.
 * - Numbers are in host order except where it says "network order". Addresses are in network order, 4 bytes for IPv4
 *   and 16 for IPv6; in the nests of <linux/ip_vs.h> the kernel sends 16 for both. Strings end with a NUL.
 */
#ifndef _UAPI_IPVS_RS_H
#define _UAPI_IPVS_RS_H

/* The multicast group of IPVS_RS_CMD_EVENT. Joining it wants CAP_NET_ADMIN in the user namespace that owns the network
 * namespace (EPERM). */
#define IPVS_RS_GROUP "monitor"

/* Commands. */
enum {
	/*
	 * To the members of the group: something was changed in this namespace. Sent once for each change that was
	 * made, in the order in which they were made; nothing is sent for a request that failed or that changed
	 * nothing. A member that reads too slowly, or for whom there was no memory, gets ENOBUFS
	 * from recv(), and should list everything anew.
	 *
	 *   ACTION   what was done, IPVS_RS_ACTION_*
	 *   PORTID   the netlink port of the socket that asked for it; 0: not asked for by netlink
	 *   CHANGED  with ACTION_SET: bit n is set if attribute n has another value than before; of the nest DEST if
	 *            there is one, else of SERVICE, else of the top level
	 * and what it is about, as it is now:
	 *   a service  SERVICE: a whole service without statistics; with ACTION_DEL only what identifies it. Its
	 *              servers are deleted with it, without events of their own.
	 *   a server   SERVICE: what identifies the service; DEST: a whole server without counts and statistics; with
	 *              ACTION_DEL only what identifies it (ADDR, PORT, ADDR_FAMILY)
	 *   a daemon   DAEMON: all of it; with ACTION_DEL only STATE
	 *   time-outs  TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP, with ACTION_SET
	 *   a sysctl   SETTING, VALUE, with ACTION_SET
	 *   a master   MASTER: all of it; ACTION_NEW: the backup hears it, for the first time or again; ACTION_SET: whether all
	 *              its connections are here has changed; ACTION_DEL: nothing was heard of it for 5 seconds
	 *   everything nothing, with ACTION_FLUSH: all services were deleted
	 *   counters   with ACTION_ZERO: SERVICE: what identifies the service whose counters, and those of its servers, were
	 *              set to 0; nothing: all counters were
	 */
	IPVS_RS_CMD_EVENT = 64,

	/*
	 * Dump (NLM_F_DUMP): connections and persistence templates. Each that is there from the first message to the
	 * last is in exactly one of them; those that come or go meanwhile are in one or in none. In no order.
	 *
	 *   SERVICE  only those of the service that is so identified, if present
	 *   CONN     only those with these values, if present: any of FAMILY, PROTOCOL, CLIENT_ADDR, CLIENT_PORT,
	 *            VIRTUAL_ADDR, VIRTUAL_PORT, SERVER_ADDR, SERVER_PORT, STATE
	 *
	 * Answered with IPVS_RS_CMD_NEW_CONN.
	 */
	IPVS_RS_CMD_GET_CONN = 65,

	/* In answers only: CONN, and SERVICE with what identifies its service. */
	IPVS_RS_CMD_NEW_CONN = 66,

	/*
	 * Ends connections and templates at once; no packet is sent to anybody. The attributes are those of GET_CONN, at
	 * least one of them (EINVAL), or FLAGS with IPVS_RS_F_ALL. Those that begin meanwhile may stay. Answered with
	 *
	 *   COUNT    how many were ended
	 */
	IPVS_RS_CMD_DEL_CONN = 67,

	/*
	 * Replaces services together with their servers. The message is a list of entries at the top level:
	 *
	 *   SERVICE  a whole service, as for IPVS_CMD_NEW_SERVICE
	 *   DEST     a whole server of the service before it, as for IPVS_CMD_NEW_DEST; any number of them, in the
	 *            order in which they would be added one by one
	 *   ...      more services
	 *   FLAGS    anywhere: IPVS_RS_F_ALL: services that are not in the list are deleted
	 *
	 * A service in the list is added, or changed to what the list says. Afterwards its servers are those of the
	 * list: those that were there keep their place, connections and counters, and take their new settings; the
	 * others are added before them, the last one first. Deleted ones go the way of IPVS_CMD_DEL_DEST. FLAGS of a
	 * service are {value, mask} of which value & mask counts, whatever the service had before.
	 *
	 * All of it is done at one moment or, on an error, nothing: a packet that opens a connection sees the table before or
	 * the table after, with its servers' weights and forwarding methods; and so does a whole listing of services
	 * (IPVS_CMD_GET_SERVICE) or of the servers of one (IPVS_CMD_GET_DEST), whenever it began, and each service with its
	 * servers in /proc/net/ip_vs. A packet of a connection sees its own server only, as it was or as it is now. A
	 * request fails with what the commands for single changes fail with, and with EEXIST for a service or a server that
	 * is twice in the list, EINVAL for a server before any service.
	 * Errors say "entry N: why" in NLMSGERR_ATTR_MSG, where N counts SERVICE and DEST attributes from 0, and
	 * NLMSGERR_ATTR_OFFS tells where that entry is.
	 *
	 * A table that needs more than the default send buffer (about 200 KB, 2,500 servers) wants SO_SNDBUFFORCE.
	 */
	IPVS_RS_CMD_APPLY = 68,

	/*
	 * Dump (NLM_F_DUMP): connections and persistence templates, so that they can be made again. Which are told of is as
	 * with GET_CONN, without templates that no further connection may use. Answered with itself:
	 *
	 *   ENTRIES  a datagram of version 1 of the synchronisation daemons with one entry, sync id 0. It has, besides what a
	 *            master sends, options of these types (the bit 0x40 tells a reader that it can skip the option):
	 *              0x48  4 bytes: the time until the connection ends without a packet, in seconds, rounded up
	 *              0x4A  14 or 38 bytes: the template that controls the connection: protocol, 0, ports of the client and
	 *                    of the virtual service (2 each), their addresses (4 or 16 each)
	 *              0x0C  4 or 16 bytes: the address of a server of another family than the client
	 *              0x4D  4 bytes: packets from the client
	 *            Numbers are big endian.
	 */
	IPVS_RS_CMD_SAVE_CONN = 69,

	/*
	 * Makes connections and templates again. ENTRIES is a datagram as above with up to 255 entries, of any sync id; a
	 * template comes before the connections that it controls. A malformed one is refused (EINVAL, "entry N: why"), and
	 * nothing is changed. Each entry is taken by itself then:
	 *
	 *   - It has the option 0x4B of a director that tells of an end: it has no effect (late).
	 *   - There is such a connection: it stays as it is. If it has no server, and the server is configured now, it gets it.
	 *   - Otherwise it is made, with the state, the method, the time and the counts of the entry, within conn_max. If its
	 *     server is not configured, its packets go to the server's address, and nothing counts it.
	 *
	 * Answered with
	 *
	 *   OUTCOME  one for each thing that became of entries, and of how many. The names are those of
	 *            /proc/net/ip_vs_sync: new, new_without_server, updated (it got its server), late (it was there),
	 *            conn_max, no_memory, unknown_option, wrong_flags, unknown_protocol, unknown_state, unknown_engine
	 */
	IPVS_RS_CMD_RESTORE_CONN = 70,

	/*
	 * Replaces the keys by which the synchronisation daemons of directors know each other. It counts at once, also for
	 * daemons that run.
	 *
	 *   AUTHENTICATION  what is asked of the datagrams of others, IPVS_RS_AUTHENTICATION_*
	 *   KEY             a key, up to two with different numbers (EINVAL). The first one signs what is sent; others may
	 *                   sign with either. Without any, nothing is signed, and AUTHENTICATION must be OFF (EINVAL).
	 *
	 * A datagram is signed with HMAC-SHA-256, if it has a trailer: of version 1.
	 */
	IPVS_RS_CMD_SET_SYNC_KEYS = 71,

	/*
	 * Replaces the peers: the other directors, if they are known by their addresses. Daemons that are started from then on
	 * send to each of them instead of the group, listen at the addresses of the host instead of the group, and take
	 * datagrams of these addresses only. Without any, daemons talk to their group again.
	 *
	 *   PEER  an address of a host; up to eight, of one family (EINVAL)
	 */
	IPVS_RS_CMD_SET_SYNC_PEERS = 72,

	/*
	 * Dump (NLM_F_DUMP): the state of the synchronisation daemons. Answered with itself: first one message with
	 *
	 *   AUTHENTICATION  as set; absent if keys were never set
	 *   KEY             NUMBER of each key
	 *   PEER            each peer that is set
	 *   EVENTS          one for each kind of event
	 * and then one for each thread of a master that the backup hears:
	 *   MASTER
	 */
	IPVS_RS_CMD_GET_SYNC = 73,
};

/* Attributes at the top of a message. 1 to 6 are SERVICE, DEST, DAEMON, TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP of
 * <linux/ip_vs.h>, with its nests. */
enum {
	IPVS_RS_ATTR_CONN = 16,	/* nest of IPVS_RS_CONN_* */
	IPVS_RS_ATTR_FLAGS,	/* u32: IPVS_RS_F_* */
	IPVS_RS_ATTR_COUNT,	/* u32 */
	IPVS_RS_ATTR_ACTION,	/* u32: IPVS_RS_ACTION_* */
	IPVS_RS_ATTR_CHANGED,	/* u32: bit n for attribute n */
	IPVS_RS_ATTR_PORTID,	/* u32 */
	IPVS_RS_ATTR_SETTING,	/* string: the file's name in /proc/sys/net/ipv4/vs */
	IPVS_RS_ATTR_VALUE,	/* string: what the file says now, without the end of the line */
	IPVS_RS_ATTR_ENTRIES,	/* at most 32,767 bytes */
	IPVS_RS_ATTR_OUTCOME,	/* nest of IPVS_RS_OUTCOME_* */
	IPVS_RS_ATTR_AUTHENTICATION, /* u8: IPVS_RS_AUTHENTICATION_* */
	IPVS_RS_ATTR_KEY,	/* nest of IPVS_RS_KEY_* */
	IPVS_RS_ATTR_PEER,	/* 4 or 16 bytes */
	IPVS_RS_ATTR_MASTER,	/* nest of IPVS_RS_MASTER_* */
	IPVS_RS_ATTR_EVENTS,	/* nest of IPVS_RS_OUTCOME_NAME and IPVS_RS_OUTCOME_TOTAL */
};

/* What became of some entries. */
enum {
	IPVS_RS_OUTCOME_NAME = 1,	/* string */
	IPVS_RS_OUTCOME_COUNT,		/* u32 */
	IPVS_RS_OUTCOME_TOTAL,		/* u64: the number of events since the namespace began */
};

/* The datagrams of others that daemons take. */
enum {
	IPVS_RS_AUTHENTICATION_OFF = 0,	/* all */
	IPVS_RS_AUTHENTICATION_OPTIONAL, /* not those with a wrong code; whoever leaves the code out is taken */
	IPVS_RS_AUTHENTICATION_REQUIRED, /* those with the right code of a known key, each once */
};

/* A key. */
enum {
	IPVS_RS_KEY_NUMBER = 1,	/* u8: the number in the datagrams */
	IPVS_RS_KEY_SECRET,	/* 16 to 128 bytes; never in an answer */
};

/* A thread of a master that the backup hears. */
enum {
	IPVS_RS_MASTER_ADDR = 1,	/* 4 or 16 bytes: the address that its datagrams come from */
	IPVS_RS_MASTER_STREAM,		/* u16: the number of the thread */
	IPVS_RS_MASTER_EPOCH,		/* u32: the second in which the master began, since 1970 */
	IPVS_RS_MASTER_COMPLETE,	/* u8: 1 if all connections that the master had are on the backup, 0 before */
	IPVS_RS_MASTER_MISSING,		/* u32: the number of its datagrams that are missing */
	IPVS_RS_MASTER_SILENCE,		/* u32: milliseconds since its last message */
};

/* IPVS_RS_ATTR_FLAGS: everything, not only what the request names. */
#define IPVS_RS_F_ALL 1

/* IPVS_RS_ATTR_ACTION. */
enum {
	IPVS_RS_ACTION_NEW = 1,
	IPVS_RS_ACTION_SET,
	IPVS_RS_ACTION_DEL,
	IPVS_RS_ACTION_FLUSH,
	IPVS_RS_ACTION_ZERO,
};

/* A connection. */
enum {
	IPVS_RS_CONN_FAMILY = 1,	/* u16: AF_INET or AF_INET6, of the client's packets */
	IPVS_RS_CONN_PROTOCOL,		/* u16: 6 TCP, 17 UDP, 132 SCTP, ...; 0: a template of a firewall mark */
	IPVS_RS_CONN_CLIENT_ADDR,	/* 4 or 16 bytes; of a template with a netmask, the network */
	IPVS_RS_CONN_CLIENT_PORT,	/* u16, network order; 0 of a template */
	IPVS_RS_CONN_VIRTUAL_ADDR,	/* 4 or 16 bytes; of a template of a firewall mark, the mark in the last 4 */
	IPVS_RS_CONN_VIRTUAL_PORT,	/* u16, network order */
	IPVS_RS_CONN_SERVER_ADDR,	/* 4 or 16 bytes, by SERVER_FAMILY */
	IPVS_RS_CONN_SERVER_PORT,	/* u16, network order */
	IPVS_RS_CONN_STATE,		/* string, at most 15 bytes: as in /proc/net/ip_vs_conn */
	IPVS_RS_CONN_SERVER_FAMILY,	/* u16; answers only, as are all below */
	IPVS_RS_CONN_FLAGS,		/* u32: IP_VS_CONN_F_* of <linux/ip_vs.h>, the forwarding method in the low 3 bits */
	IPVS_RS_CONN_EXPIRES,		/* u32: seconds until it ends if there are no more packets */
	IPVS_RS_CONN_IN_PACKETS,	/* u32: packets from the client */
	IPVS_RS_CONN_PE_NAME,		/* string: the persistence engine, if there is one */
	IPVS_RS_CONN_PE_DATA,		/* bytes: what that knows the client by */
};

#endif /* _UAPI_IPVS_RS_H */
