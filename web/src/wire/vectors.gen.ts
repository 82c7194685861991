// Generated from bus/wire/testdata by `make gen`; do not edit.

import type { AnswerVector, CloseVector, ErrorVector, EventVector, MidVectors, RequestVector } from './vectors'

export const REQUESTS: RequestVector[] = [
  {
    "name": "hello",
    "op": "hello",
    "frame": "{\"id\":0,\"op\":\"hello\",\"token\":\"a.b.c\"}",
    "id": 0,
    "args": {
      "token": "a.b.c"
    }
  },
  {
    "name": "hello that resumes",
    "op": "hello",
    "frame": "{\"id\":1,\"op\":\"hello\",\"token\":\"a.b.c\",\"resume\":{\"session\":\"abcdefghijklmnopqrstuvwxyz\",\"key\":\"k1\",\"seen\":{\"q3v7k2mhbx5zi\":41,\"aaaaaaaaaaaaa\":9007199254740991}}}",
    "id": 1,
    "args": {
      "token": "a.b.c",
      "resume": {
        "session": "abcdefghijklmnopqrstuvwxyz",
        "key": "k1",
        "seen": {
          "q3v7k2mhbx5zi": 41,
          "aaaaaaaaaaaaa": 9007199254740991
        }
      }
    }
  },
  {
    "name": "hello that resumes having seen nothing",
    "op": "hello",
    "frame": "{\"id\":1,\"op\":\"hello\",\"token\":\"a.b.c\",\"resume\":{\"session\":\"abcdefghijklmnopqrstuvwxyz\",\"key\":\"k1\",\"seen\":{}}}",
    "id": 1,
    "args": {
      "token": "a.b.c",
      "resume": {
        "session": "abcdefghijklmnopqrstuvwxyz",
        "key": "k1",
        "seen": {}
      }
    }
  },
  {
    "name": "resume null is no resume",
    "op": "hello",
    "frame": "{\"id\":1,\"op\":\"hello\",\"token\":\"a.b.c\",\"resume\":null}",
    "id": 1,
    "args": {
      "token": "a.b.c"
    }
  },
  {
    "name": "sources that no edge made are dropped",
    "op": "hello",
    "frame": "{\"id\":1,\"op\":\"hello\",\"token\":\"t\",\"resume\":{\"session\":\"abcdefghijklmnopqrstuvwxyz\",\"key\":\"k1\",\"seen\":{\"q3v7k2mhbx5zi\":1,\"e7f2\":41,\"q3v7k2mhbx5zj\":7,\"\":3}}}",
    "id": 1,
    "args": {
      "token": "t",
      "resume": {
        "session": "abcdefghijklmnopqrstuvwxyz",
        "key": "k1",
        "seen": {
          "q3v7k2mhbx5zi": 1
        }
      }
    }
  },
  {
    "name": "ping",
    "op": "ping",
    "frame": "{\"id\":9007199254740991,\"op\":\"ping\"}",
    "id": 9007199254740991,
    "args": {}
  },
  {
    "name": "white space and another order",
    "op": "ping",
    "frame": " { \"op\" : \"ping\" ,\r\n\t\"id\" : 7 } ",
    "id": 7,
    "args": {}
  },
  {
    "name": "names and ops in escapes",
    "op": "ping",
    "frame": "{\"\\u0069d\":7,\"op\":\"p\\u0069ng\"}",
    "id": 7,
    "args": {}
  },
  {
    "name": "join",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"lobby\"}",
    "id": 1,
    "args": {
      "room": "lobby"
    }
  },
  {
    "name": "join with info",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"lobby\",\"info\":{\"slots\":{\"microphone\":true,\"camera\":false,\"screen\":false}}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "info": {
        "slots": {
          "microphone": true,
          "camera": false,
          "screen": false
        }
      }
    }
  },
  {
    "name": "join with null for info",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"lobby\",\"info\":null}",
    "id": 1,
    "args": {
      "room": "lobby",
      "info": null
    }
  },
  {
    "name": "room ids are any text",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"a.b.*.>   📞\\\"\\\\ 房间\"}",
    "id": 1,
    "args": {
      "room": "a.b.*.>   📞\"\\ 房间"
    }
  },
  {
    "name": "room id of 128 bytes",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\"}",
    "id": 1,
    "args": {
      "room": "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
    }
  },
  {
    "name": "surrogate pair in an escape",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"\\ud83d\\udcde\"}",
    "id": 1,
    "args": {
      "room": "📞"
    }
  },
  {
    "name": "every escape of JSON",
    "op": "leave",
    "frame": "{\"id\":1,\"op\":\"leave\",\"room\":\"\\\"\\\\\\/\\u00E9\"}",
    "id": 1,
    "args": {
      "room": "\"\\/é"
    }
  },
  {
    "name": "update",
    "op": "update",
    "frame": "{\"id\":1,\"op\":\"update\",\"room\":\"lobby\",\"info\":[1,0.0025,-0.25,\"x\",null,true]}",
    "id": 1,
    "args": {
      "room": "lobby",
      "info": [
        1,
        0.0025,
        -0.25,
        "x",
        null,
        true
      ]
    }
  },
  {
    "name": "leave",
    "op": "leave",
    "frame": "{\"id\":1,\"op\":\"leave\",\"room\":\"lobby\"}",
    "id": 1,
    "args": {
      "room": "lobby"
    }
  },
  {
    "name": "signal",
    "op": "signal",
    "frame": "{\"id\":1,\"op\":\"signal\",\"room\":\"lobby\",\"to\":\"abcdefghij234567\",\"data\":{\"type\":\"candidate\",\"candidate\":{\"candidate\":\"\",\"sdpMid\":\"0\"}}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "to": "abcdefghij234567",
      "data": {
        "type": "candidate",
        "candidate": {
          "candidate": "",
          "sdpMid": "0"
        }
      }
    }
  },
  {
    "name": "signal with a key",
    "op": "signal",
    "frame": "{\"id\":1,\"op\":\"signal\",\"room\":\"lobby\",\"to\":\"abcdefghij234567\",\"data\":\"x\",\"key\":\"m-1\"}",
    "id": 1,
    "args": {
      "room": "lobby",
      "to": "abcdefghij234567",
      "data": "x",
      "key": "m-1"
    }
  },
  {
    "name": "data is passed on as it is",
    "op": "signal",
    "frame": "{\"id\":1,\"op\":\"signal\",\"room\":\"lobby\",\"to\":\"abcdefghij234567\",\"data\": {\"a\" :{\"a\":[ ]},\"b\":\"\\u000a\"}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "to": "abcdefghij234567",
      "data": {
        "a": {
          "a": []
        },
        "b": "\n"
      }
    }
  },
  {
    "name": "post",
    "op": "post",
    "frame": "{\"id\":1,\"op\":\"post\",\"room\":\"lobby\",\"data\":{\"type\":\"typing\"}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "data": {
        "type": "typing"
      }
    }
  },
  {
    "name": "post that is kept",
    "op": "post",
    "frame": "{\"id\":1,\"op\":\"post\",\"room\":\"lobby\",\"data\":{\"type\":\"text\",\"id\":\"m1\",\"text\":\"hi\"},\"keep\":true,\"key\":\"m1\"}",
    "id": 1,
    "args": {
      "room": "lobby",
      "data": {
        "type": "text",
        "id": "m1",
        "text": "hi"
      },
      "keep": true,
      "key": "m1"
    }
  },
  {
    "name": "keep may be false",
    "op": "post",
    "frame": "{\"id\":1,\"op\":\"post\",\"room\":\"lobby\",\"data\":0,\"keep\":false}",
    "id": 1,
    "args": {
      "room": "lobby",
      "data": 0
    }
  },
  {
    "name": "key of 64 bytes",
    "op": "post",
    "frame": "{\"id\":1,\"op\":\"post\",\"room\":\"lobby\",\"data\":0,\"key\":\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"}",
    "id": 1,
    "args": {
      "room": "lobby",
      "data": 0,
      "key": "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
    }
  },
  {
    "name": "history",
    "op": "history",
    "frame": "{\"id\":1,\"op\":\"history\",\"room\":\"lobby\"}",
    "id": 1,
    "args": {
      "room": "lobby"
    }
  },
  {
    "name": "history before a mid",
    "op": "history",
    "frame": "{\"id\":1,\"op\":\"history\",\"room\":\"lobby\",\"before\":\"q3v7k2mhbx5zi:41\",\"limit\":20}",
    "id": 1,
    "args": {
      "room": "lobby",
      "before": "q3v7k2mhbx5zi:41",
      "limit": 20
    }
  },
  {
    "name": "call",
    "op": "call",
    "frame": "{\"id\":1,\"op\":\"call\",\"to\":\"bob\",\"media\":\"video\"}",
    "id": 1,
    "args": {
      "to": "bob",
      "media": "video"
    }
  },
  {
    "name": "call into a room",
    "op": "call",
    "frame": "{\"id\":1,\"op\":\"call\",\"to\":\"bob\",\"media\":\"audio\",\"room\":\"lobby\"}",
    "id": 1,
    "args": {
      "to": "bob",
      "media": "audio",
      "room": "lobby"
    }
  },
  {
    "name": "call to show a screen",
    "op": "call",
    "frame": "{\"id\":1,\"op\":\"call\",\"to\":\"bob@example.org\",\"media\":\"screen\"}",
    "id": 1,
    "args": {
      "to": "bob@example.org",
      "media": "screen"
    }
  },
  {
    "name": "answer that accepts",
    "op": "answer",
    "frame": "{\"id\":1,\"op\":\"answer\",\"call\":\"eu.abcdefghijklmnopqrst\",\"accept\":true}",
    "id": 1,
    "args": {
      "call": "eu.abcdefghijklmnopqrst",
      "accept": true
    }
  },
  {
    "name": "answer that declines",
    "op": "answer",
    "frame": "{\"id\":1,\"op\":\"answer\",\"call\":\"eu.abcdefghijklmnopqrst\",\"accept\":false,\"reason\":\"declined\"}",
    "id": 1,
    "args": {
      "call": "eu.abcdefghijklmnopqrst",
      "accept": false,
      "reason": "declined"
    }
  },
  {
    "name": "answer busy",
    "op": "answer",
    "frame": "{\"id\":1,\"op\":\"answer\",\"call\":\"eu.abcdefghijklmnopqrst\",\"accept\":false,\"reason\":\"busy\"}",
    "id": 1,
    "args": {
      "call": "eu.abcdefghijklmnopqrst",
      "accept": false,
      "reason": "busy"
    }
  },
  {
    "name": "hangup",
    "op": "hangup",
    "frame": "{\"id\":1,\"op\":\"hangup\",\"call\":\"eu.abcdefghijklmnopqrst\"}",
    "id": 1,
    "args": {
      "call": "eu.abcdefghijklmnopqrst"
    }
  },
  {
    "name": "presence",
    "op": "presence",
    "frame": "{\"id\":1,\"op\":\"presence\",\"users\":[\"bob\",\"carol\"]}",
    "id": 1,
    "args": {
      "users": [
        "bob",
        "carol"
      ]
    }
  },
  {
    "name": "presence of nobody",
    "op": "presence",
    "frame": "{\"id\":1,\"op\":\"presence\",\"users\":[]}",
    "id": 1,
    "args": {
      "users": []
    }
  },
  {
    "name": "ice",
    "op": "ice",
    "frame": "{\"id\":1,\"op\":\"ice\"}",
    "id": 1,
    "args": {}
  },
  {
    "name": "report of a direct path",
    "op": "report",
    "frame": "{\"id\":1,\"op\":\"report\",\"room\":\"lobby\",\"peer\":\"abcdefghij234567\",\"outcome\":{\"result\":\"connected\",\"path\":\"srflx\",\"protocol\":\"udp\",\"ms\":214,\"rttMs\":38.5,\"network\":\"wifi\"}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "abcdefghij234567",
      "outcome": {
        "result": "connected",
        "path": "srflx",
        "protocol": "udp",
        "ms": 214,
        "rttMs": 38.5,
        "network": "wifi"
      }
    }
  },
  {
    "name": "report of a relayed path",
    "op": "report",
    "frame": "{\"id\":1,\"op\":\"report\",\"room\":\"lobby\",\"peer\":\"abcdefghij234567\",\"outcome\":{\"result\":\"connected\",\"path\":\"relay\",\"protocol\":\"tls\",\"relayRegion\":\"eu-west\",\"ms\":900,\"rttMs\":61}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "abcdefghij234567",
      "outcome": {
        "result": "connected",
        "path": "relay",
        "protocol": "tls",
        "relayRegion": "eu-west",
        "ms": 900,
        "rttMs": 61
      }
    }
  },
  {
    "name": "report of a failure",
    "op": "report",
    "frame": "{\"id\":1,\"op\":\"report\",\"room\":\"lobby\",\"peer\":\"abcdefghij234567\",\"outcome\":{\"result\":\"failed\",\"step\":\"check\",\"ms\":30000}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "abcdefghij234567",
      "outcome": {
        "result": "failed",
        "step": "check",
        "ms": 30000
      }
    }
  },
  {
    "name": "a result follows from a path",
    "op": "report",
    "frame": "{\"id\":1,\"op\":\"report\",\"room\":\"lobby\",\"peer\":\"abcdefghij234567\",\"outcome\":{\"path\":\"host\"}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "abcdefghij234567",
      "outcome": {
        "result": "connected",
        "path": "host"
      }
    }
  },
  {
    "name": "a result follows from no path",
    "op": "report",
    "frame": "{\"id\":1,\"op\":\"report\",\"room\":\"lobby\",\"peer\":\"abcdefghij234567\",\"outcome\":{\"step\":\"dtls\"}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "abcdefghij234567",
      "outcome": {
        "result": "failed",
        "step": "dtls"
      }
    }
  },
  {
    "name": "an outcome may have members that are not known yet",
    "op": "report",
    "frame": "{\"id\":1,\"op\":\"report\",\"room\":\"lobby\",\"peer\":\"abcdefghij234567\",\"outcome\":{\"result\":\"no_candidates\",\"codec\":{\"x\":[1]}}}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "abcdefghij234567",
      "outcome": {
        "result": "no_candidates"
      }
    }
  },
  {
    "name": "refresh",
    "op": "refresh",
    "frame": "{\"id\":1,\"op\":\"refresh\",\"token\":\"a.b.d\"}",
    "id": 1,
    "args": {
      "token": "a.b.d"
    }
  },
  {
    "name": "kick a peer",
    "op": "kick",
    "frame": "{\"id\":1,\"op\":\"kick\",\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\"}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "qrstuvwxyz765432"
    }
  },
  {
    "name": "kick a peer for a time",
    "op": "kick",
    "frame": "{\"id\":1,\"op\":\"kick\",\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"forSeconds\":86400}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "forSeconds": 86400
    }
  },
  {
    "name": "kick a user",
    "op": "kick",
    "frame": "{\"id\":1,\"op\":\"kick\",\"room\":\"lobby\",\"user\":\"bob\",\"forSeconds\":1}",
    "id": 1,
    "args": {
      "room": "lobby",
      "user": "bob",
      "forSeconds": 1
    }
  },
  {
    "name": "lift a ban",
    "op": "kick",
    "frame": "{\"id\":1,\"op\":\"kick\",\"room\":\"lobby\",\"user\":\"bob\",\"forSeconds\":0}",
    "id": 1,
    "args": {
      "room": "lobby",
      "user": "bob",
      "forSeconds": 0
    }
  },
  {
    "name": "kick from the whole mesh",
    "op": "kick",
    "frame": "{\"id\":1,\"op\":\"kick\",\"user\":\"bob\",\"forSeconds\":3600}",
    "id": 1,
    "args": {
      "user": "bob",
      "forSeconds": 3600
    }
  },
  {
    "name": "lock",
    "op": "lock",
    "frame": "{\"id\":1,\"op\":\"lock\",\"room\":\"lobby\",\"locked\":true}",
    "id": 1,
    "args": {
      "room": "lobby",
      "locked": true
    }
  },
  {
    "name": "unlock",
    "op": "lock",
    "frame": "{\"id\":1,\"op\":\"lock\",\"room\":\"lobby\",\"locked\":false}",
    "id": 1,
    "args": {
      "room": "lobby",
      "locked": false
    }
  },
  {
    "name": "join with a pass",
    "op": "join",
    "frame": "{\"id\":1,\"op\":\"join\",\"room\":\"lobby\",\"pass\":\"eyJyIjoi.bWFj\"}",
    "id": 1,
    "args": {
      "room": "lobby",
      "pass": "eyJyIjoi.bWFj"
    }
  },
  {
    "name": "contacts",
    "op": "contacts",
    "frame": "{\"id\":1,\"op\":\"contacts\"}",
    "id": 1,
    "args": {}
  },
  {
    "name": "contact: ask",
    "op": "contact",
    "frame": "{\"id\":1,\"op\":\"contact\",\"user\":\"bob\",\"action\":\"add\"}",
    "id": 1,
    "args": {
      "user": "bob",
      "action": "add"
    }
  },
  {
    "name": "contact: by an invitation",
    "op": "contact",
    "frame": "{\"id\":1,\"op\":\"contact\",\"user\":\"bob\",\"action\":\"add\",\"invite\":\"eyJ1Ijoi.bWFj\"}",
    "id": 1,
    "args": {
      "user": "bob",
      "action": "add",
      "invite": "eyJ1Ijoi.bWFj"
    }
  },
  {
    "name": "contact: end it",
    "op": "contact",
    "frame": "{\"id\":1,\"op\":\"contact\",\"user\":\"bob\",\"action\":\"remove\"}",
    "id": 1,
    "args": {
      "user": "bob",
      "action": "remove"
    }
  },
  {
    "name": "contact: block",
    "op": "contact",
    "frame": "{\"id\":1,\"op\":\"contact\",\"user\":\"mallory\",\"action\":\"block\"}",
    "id": 1,
    "args": {
      "user": "mallory",
      "action": "block"
    }
  },
  {
    "name": "contact: unblock",
    "op": "contact",
    "frame": "{\"id\":1,\"op\":\"contact\",\"user\":\"mallory\",\"action\":\"unblock\"}",
    "id": 1,
    "args": {
      "user": "mallory",
      "action": "unblock"
    }
  },
  {
    "name": "invite",
    "op": "invite",
    "frame": "{\"id\":1,\"op\":\"invite\"}",
    "id": 1,
    "args": {}
  },
  {
    "name": "invited",
    "op": "invited",
    "frame": "{\"id\":1,\"op\":\"invited\",\"code\":\"eyJ1Ijoi.bWFj\"}",
    "id": 1,
    "args": {
      "code": "eyJ1Ijoi.bWFj"
    }
  },
  {
    "name": "moderate",
    "op": "moderate",
    "frame": "{\"id\":1,\"op\":\"moderate\",\"room\":\"m-gezdgnbvgy3tqojqgezdgnbvgy\",\"secret\":\"a secret of the maker ~\"}",
    "id": 1,
    "args": {
      "room": "m-gezdgnbvgy3tqojqgezdgnbvgy",
      "secret": "a secret of the maker ~"
    }
  },
  {
    "name": "knock",
    "op": "knock",
    "frame": "{\"id\":1,\"op\":\"knock\",\"room\":\"lobby\"}",
    "id": 1,
    "args": {
      "room": "lobby"
    }
  },
  {
    "name": "admit",
    "op": "admit",
    "frame": "{\"id\":1,\"op\":\"admit\",\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"accept\":true}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "accept": true
    }
  },
  {
    "name": "admit nobody",
    "op": "admit",
    "frame": "{\"id\":1,\"op\":\"admit\",\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"accept\":false}",
    "id": 1,
    "args": {
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "accept": false
    }
  },
]

export const ANSWERS: AnswerVector[] = [
  {
    "name": "hello",
    "op": "hello",
    "id": 0,
    "ok": {
      "session": "abcdefghijklmnopqrstuvwxyz",
      "key": "key-1",
      "peer": "abcdefghij234567",
      "user": {
        "id": "alice",
        "name": "Alice"
      },
      "edge": "edgeedgeedge",
      "region": "eu",
      "iceServers": [
        {
          "urls": [
            "turn:turn.example.org:3478?transport=udp",
            "turn:turn.example.org:3478?transport=tcp",
            "turns:turn.example.org:443?transport=tcp"
          ],
          "username": "1760003600:abcdefghij234567",
          "credential": "c2VjcmV0"
        },
        {
          "urls": [
            "stun:turn.example.org:3478"
          ]
        }
      ],
      "iceTtl": 3600,
      "heartbeat": 20000,
      "limits": {
        "frameBytes": 65536,
        "rate": 50,
        "burst": 200,
        "infoBytes": 4096,
        "rooms": 16,
        "peers": 64,
        "presence": 256,
        "historyPosts": 200,
        "helloMs": 10000,
        "graceMs": 30000,
        "replayMs": 60000,
        "ringMs": 30000
      },
      "resumed": false,
      "rooms": [],
      "missed": []
    },
    "frame": "{\"id\":0,\"ok\":{\"session\":\"abcdefghijklmnopqrstuvwxyz\",\"key\":\"key-1\",\"peer\":\"abcdefghij234567\",\"user\":{\"id\":\"alice\",\"name\":\"Alice\"},\"edge\":\"edgeedgeedge\",\"region\":\"eu\",\"iceServers\":[{\"urls\":[\"turn:turn.example.org:3478?transport=udp\",\"turn:turn.example.org:3478?transport=tcp\",\"turns:turn.example.org:443?transport=tcp\"],\"username\":\"1760003600:abcdefghij234567\",\"credential\":\"c2VjcmV0\"},{\"urls\":[\"stun:turn.example.org:3478\"]}],\"iceTtl\":3600,\"heartbeat\":20000,\"limits\":{\"frameBytes\":65536,\"rate\":50,\"burst\":200,\"infoBytes\":4096,\"rooms\":16,\"peers\":64,\"presence\":256,\"historyPosts\":200,\"helloMs\":10000,\"graceMs\":30000,\"replayMs\":60000,\"ringMs\":30000},\"resumed\":false,\"rooms\":[],\"missed\":[]}}"
  },
  {
    "name": "hello of a resumed session",
    "op": "hello",
    "id": 1,
    "ok": {
      "session": "abcdefghijklmnopqrstuvwxyz",
      "key": "key-2",
      "peer": "abcdefghij234567",
      "user": {
        "id": "alice",
        "name": "Alice"
      },
      "edge": "edgeedgeedge",
      "region": "eu",
      "iceServers": [
        {
          "urls": [
            "turn:turn.example.org:3478?transport=udp",
            "turn:turn.example.org:3478?transport=tcp",
            "turns:turn.example.org:443?transport=tcp"
          ],
          "username": "1760003600:abcdefghij234567",
          "credential": "c2VjcmV0"
        },
        {
          "urls": [
            "stun:turn.example.org:3478"
          ]
        }
      ],
      "iceTtl": 3600,
      "heartbeat": 20000,
      "limits": {
        "frameBytes": 65536,
        "rate": 50,
        "burst": 200,
        "infoBytes": 4096,
        "rooms": 16,
        "peers": 64,
        "presence": 256,
        "historyPosts": 200,
        "helloMs": 10000,
        "graceMs": 30000,
        "replayMs": 60000,
        "ringMs": 30000
      },
      "resumed": true,
      "rooms": [
        {
          "room": "lobby",
          "peers": [
            {
              "peer": "qrstuvwxyz765432",
              "user": {
                "id": "bob",
                "name": "Bob"
              },
              "region": "eu",
              "info": null
            }
          ]
        }
      ],
      "missed": []
    },
    "frame": "{\"id\":1,\"ok\":{\"session\":\"abcdefghijklmnopqrstuvwxyz\",\"key\":\"key-2\",\"peer\":\"abcdefghij234567\",\"user\":{\"id\":\"alice\",\"name\":\"Alice\"},\"edge\":\"edgeedgeedge\",\"region\":\"eu\",\"iceServers\":[{\"urls\":[\"turn:turn.example.org:3478?transport=udp\",\"turn:turn.example.org:3478?transport=tcp\",\"turns:turn.example.org:443?transport=tcp\"],\"username\":\"1760003600:abcdefghij234567\",\"credential\":\"c2VjcmV0\"},{\"urls\":[\"stun:turn.example.org:3478\"]}],\"iceTtl\":3600,\"heartbeat\":20000,\"limits\":{\"frameBytes\":65536,\"rate\":50,\"burst\":200,\"infoBytes\":4096,\"rooms\":16,\"peers\":64,\"presence\":256,\"historyPosts\":200,\"helloMs\":10000,\"graceMs\":30000,\"replayMs\":60000,\"ringMs\":30000},\"resumed\":true,\"rooms\":[{\"room\":\"lobby\",\"peers\":[{\"peer\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"region\":\"eu\",\"info\":null}]}],\"missed\":[]}}"
  },
  {
    "name": "hello after a missed call",
    "op": "hello",
    "id": 1,
    "ok": {
      "session": "abcdefghijklmnopqrstuvwxyz",
      "key": "key-1",
      "peer": "abcdefghij234567",
      "user": {
        "id": "alice",
        "name": "Alice"
      },
      "edge": "edgeedgeedge",
      "region": "eu",
      "iceServers": [
        {
          "urls": [
            "turn:turn.example.org:3478?transport=udp",
            "turn:turn.example.org:3478?transport=tcp",
            "turns:turn.example.org:443?transport=tcp"
          ],
          "username": "1760003600:abcdefghij234567",
          "credential": "c2VjcmV0"
        },
        {
          "urls": [
            "stun:turn.example.org:3478"
          ]
        }
      ],
      "iceTtl": 3600,
      "heartbeat": 20000,
      "limits": {
        "frameBytes": 65536,
        "rate": 50,
        "burst": 200,
        "infoBytes": 4096,
        "rooms": 16,
        "peers": 64,
        "presence": 256,
        "historyPosts": 200,
        "helloMs": 10000,
        "graceMs": 30000,
        "replayMs": 60000,
        "ringMs": 30000
      },
      "resumed": false,
      "rooms": [],
      "missed": [
        {
          "call": "eu.abcdefghijklmnopqrst",
          "from": {
            "id": "bob",
            "name": "Bob"
          },
          "media": "video",
          "at": 1760000000000
        }
      ]
    },
    "frame": "{\"id\":1,\"ok\":{\"session\":\"abcdefghijklmnopqrstuvwxyz\",\"key\":\"key-1\",\"peer\":\"abcdefghij234567\",\"user\":{\"id\":\"alice\",\"name\":\"Alice\"},\"edge\":\"edgeedgeedge\",\"region\":\"eu\",\"iceServers\":[{\"urls\":[\"turn:turn.example.org:3478?transport=udp\",\"turn:turn.example.org:3478?transport=tcp\",\"turns:turn.example.org:443?transport=tcp\"],\"username\":\"1760003600:abcdefghij234567\",\"credential\":\"c2VjcmV0\"},{\"urls\":[\"stun:turn.example.org:3478\"]}],\"iceTtl\":3600,\"heartbeat\":20000,\"limits\":{\"frameBytes\":65536,\"rate\":50,\"burst\":200,\"infoBytes\":4096,\"rooms\":16,\"peers\":64,\"presence\":256,\"historyPosts\":200,\"helloMs\":10000,\"graceMs\":30000,\"replayMs\":60000,\"ringMs\":30000},\"resumed\":false,\"rooms\":[],\"missed\":[{\"call\":\"eu.abcdefghijklmnopqrst\",\"from\":{\"id\":\"bob\",\"name\":\"Bob\"},\"media\":\"video\",\"at\":1760000000000}]}}"
  },
  {
    "name": "ping",
    "op": "ping",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
  {
    "name": "ping with a fresh key",
    "op": "ping",
    "id": 1,
    "ok": {
      "key": "key-3"
    },
    "frame": "{\"id\":1,\"ok\":{\"key\":\"key-3\"}}"
  },
  {
    "name": "join of an empty room",
    "op": "join",
    "id": 1,
    "ok": {
      "peers": []
    },
    "frame": "{\"id\":1,\"ok\":{\"peers\":[]}}"
  },
  {
    "name": "join",
    "op": "join",
    "id": 1,
    "ok": {
      "peers": [
        {
          "peer": "qrstuvwxyz765432",
          "user": {
            "id": "bob",
            "name": "Bob 👋"
          },
          "region": "us",
          "info": {
            "slots": {
              "camera": true
            }
          }
        },
        {
          "peer": "abcdefghij234567",
          "user": {
            "id": "carol",
            "name": "\"C\""
          },
          "region": "eu",
          "info": null
        }
      ],
      "key": "key-4"
    },
    "frame": "{\"id\":1,\"ok\":{\"peers\":[{\"peer\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob 👋\"},\"region\":\"us\",\"info\":{\"slots\":{\"camera\":true}}},{\"peer\":\"abcdefghij234567\",\"user\":{\"id\":\"carol\",\"name\":\"\\\"C\\\"\"},\"region\":\"eu\",\"info\":null}],\"key\":\"key-4\"}}"
  },
  {
    "name": "update",
    "op": "update",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
  {
    "name": "leave with a fresh key",
    "op": "leave",
    "id": 1,
    "ok": {
      "key": "key-5"
    },
    "frame": "{\"id\":1,\"ok\":{\"key\":\"key-5\"}}"
  },
  {
    "name": "signal",
    "op": "signal",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
  {
    "name": "post",
    "op": "post",
    "id": 1,
    "ok": {
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000
    },
    "frame": "{\"id\":1,\"ok\":{\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000}}"
  },
  {
    "name": "history of nothing",
    "op": "history",
    "id": 1,
    "ok": {
      "posts": [],
      "more": false
    },
    "frame": "{\"id\":1,\"ok\":{\"posts\":[],\"more\":false}}"
  },
  {
    "name": "history",
    "op": "history",
    "id": 1,
    "ok": {
      "posts": [
        {
          "mid": "q3v7k2mhbx5zi:41",
          "at": 1760000000000,
          "from": "qrstuvwxyz765432",
          "user": {
            "id": "bob",
            "name": "Bob"
          },
          "data": {
            "type": "text",
            "id": "m1",
            "text": "hi"
          }
        }
      ],
      "more": true
    },
    "frame": "{\"id\":1,\"ok\":{\"posts\":[{\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"from\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"data\":{\"type\":\"text\",\"id\":\"m1\",\"text\":\"hi\"}}],\"more\":true}}"
  },
  {
    "name": "call",
    "op": "call",
    "id": 1,
    "ok": {
      "call": "eu.abcdefghijklmnopqrst",
      "room": "call-abcdefghijklmnopqrst"
    },
    "frame": "{\"id\":1,\"ok\":{\"call\":\"eu.abcdefghijklmnopqrst\",\"room\":\"call-abcdefghijklmnopqrst\"}}"
  },
  {
    "name": "answer",
    "op": "answer",
    "id": 1,
    "ok": {
      "room": "lobby"
    },
    "frame": "{\"id\":1,\"ok\":{\"room\":\"lobby\"}}"
  },
  {
    "name": "hangup",
    "op": "hangup",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
  {
    "name": "presence",
    "op": "presence",
    "id": 1,
    "ok": {
      "online": {
        "bob": true,
        "carol": false
      }
    },
    "frame": "{\"id\":1,\"ok\":{\"online\":{\"bob\":true,\"carol\":false}}}"
  },
  {
    "name": "ice",
    "op": "ice",
    "id": 1,
    "ok": {
      "iceServers": [
        {
          "urls": [
            "turn:turn.example.org:3478?transport=udp",
            "turn:turn.example.org:3478?transport=tcp",
            "turns:turn.example.org:443?transport=tcp"
          ],
          "username": "1760003600:abcdefghij234567",
          "credential": "c2VjcmV0"
        },
        {
          "urls": [
            "stun:turn.example.org:3478"
          ]
        }
      ],
      "iceTtl": 3600
    },
    "frame": "{\"id\":1,\"ok\":{\"iceServers\":[{\"urls\":[\"turn:turn.example.org:3478?transport=udp\",\"turn:turn.example.org:3478?transport=tcp\",\"turns:turn.example.org:443?transport=tcp\"],\"username\":\"1760003600:abcdefghij234567\",\"credential\":\"c2VjcmV0\"},{\"urls\":[\"stun:turn.example.org:3478\"]}],\"iceTtl\":3600}}"
  },
  {
    "name": "report",
    "op": "report",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
  {
    "name": "refresh",
    "op": "refresh",
    "id": 1,
    "ok": {
      "expiresAt": 1760003600000
    },
    "frame": "{\"id\":1,\"ok\":{\"expiresAt\":1760003600000}}"
  },
  {
    "name": "join of a locked room by a moderator",
    "op": "join",
    "id": 1,
    "ok": {
      "peers": [],
      "locked": true,
      "moderator": true,
      "key": "k2"
    },
    "frame": "{\"id\":1,\"ok\":{\"peers\":[],\"locked\":true,\"moderator\":true,\"key\":\"k2\"}}"
  },
  {
    "name": "kick",
    "op": "kick",
    "id": 1,
    "ok": {
      "until": 1760000600000
    },
    "frame": "{\"id\":1,\"ok\":{\"until\":1760000600000}}"
  },
  {
    "name": "kick that keeps nobody out",
    "op": "kick",
    "id": 1,
    "ok": {
      "until": 0
    },
    "frame": "{\"id\":1,\"ok\":{\"until\":0}}"
  },
  {
    "name": "lock",
    "op": "lock",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
  {
    "name": "contacts, none",
    "op": "contacts",
    "id": 1,
    "ok": {
      "contacts": []
    },
    "frame": "{\"id\":1,\"ok\":{\"contacts\":[]}}"
  },
  {
    "name": "contacts",
    "op": "contacts",
    "id": 1,
    "ok": {
      "contacts": [
        {
          "user": {
            "id": "bob",
            "name": "Bob"
          },
          "state": "mutual",
          "at": 1760000000000
        },
        {
          "user": {
            "id": "carol",
            "name": ""
          },
          "state": "asked",
          "at": 1760000000000
        },
        {
          "user": {
            "id": "dave",
            "name": "Dave"
          },
          "state": "asks",
          "at": 1760000000000
        },
        {
          "user": {
            "id": "mallory",
            "name": "Mallory"
          },
          "state": "blocked",
          "at": 1760000000000
        }
      ]
    },
    "frame": "{\"id\":1,\"ok\":{\"contacts\":[{\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"state\":\"mutual\",\"at\":1760000000000},{\"user\":{\"id\":\"carol\",\"name\":\"\"},\"state\":\"asked\",\"at\":1760000000000},{\"user\":{\"id\":\"dave\",\"name\":\"Dave\"},\"state\":\"asks\",\"at\":1760000000000},{\"user\":{\"id\":\"mallory\",\"name\":\"Mallory\"},\"state\":\"blocked\",\"at\":1760000000000}]}}"
  },
  {
    "name": "contact: asked",
    "op": "contact",
    "id": 1,
    "ok": {
      "contact": {
        "user": {
          "id": "bob",
          "name": ""
        },
        "state": "asked",
        "at": 1760000000000
      }
    },
    "frame": "{\"id\":1,\"ok\":{\"contact\":{\"user\":{\"id\":\"bob\",\"name\":\"\"},\"state\":\"asked\",\"at\":1760000000000}}}"
  },
  {
    "name": "contact: over",
    "op": "contact",
    "id": 1,
    "ok": {
      "contact": {
        "user": {
          "id": "bob",
          "name": "Bob"
        },
        "state": "none",
        "at": 1760000000000
      }
    },
    "frame": "{\"id\":1,\"ok\":{\"contact\":{\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"state\":\"none\",\"at\":1760000000000}}}"
  },
  {
    "name": "invite",
    "op": "invite",
    "id": 1,
    "ok": {
      "code": "eyJ1Ijoi.bWFj",
      "expiresAt": 1760604800000
    },
    "frame": "{\"id\":1,\"ok\":{\"code\":\"eyJ1Ijoi.bWFj\",\"expiresAt\":1760604800000}}"
  },
  {
    "name": "invited",
    "op": "invited",
    "id": 1,
    "ok": {
      "user": {
        "id": "bob",
        "name": "Bob"
      }
    },
    "frame": "{\"id\":1,\"ok\":{\"user\":{\"id\":\"bob\",\"name\":\"Bob\"}}}"
  },
  {
    "name": "moderate",
    "op": "moderate",
    "id": 1,
    "ok": {
      "key": "k2"
    },
    "frame": "{\"id\":1,\"ok\":{\"key\":\"k2\"}}"
  },
  {
    "name": "knock",
    "op": "knock",
    "id": 1,
    "ok": {
      "expiresAt": 1760000060000
    },
    "frame": "{\"id\":1,\"ok\":{\"expiresAt\":1760000060000}}"
  },
  {
    "name": "admit",
    "op": "admit",
    "id": 1,
    "ok": {},
    "frame": "{\"id\":1,\"ok\":{}}"
  },
]

export const ERRORS: ErrorVector[] = [
  {
    "name": "a quote and a line break in a message",
    "op": "join",
    "id": 1,
    "error": {
      "code": "bad_request",
      "message": "room \"x\n\" \\ is bad"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"bad_request\",\"message\":\"room \\\"x\\n\\\" \\\\ is bad\"}}"
  },
  {
    "name": "an id of 2^53-1",
    "op": "ping",
    "id": 9007199254740991,
    "error": {
      "code": "rate_limited",
      "message": "at most 50 frames a second"
    },
    "frame": "{\"id\":9007199254740991,\"error\":{\"code\":\"rate_limited\",\"message\":\"at most 50 frames a second\"}}"
  },
  {
    "name": "unknown_op",
    "op": "ping",
    "id": 1,
    "error": {
      "code": "unknown_op",
      "message": "unknown op \"teleport\""
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"unknown_op\",\"message\":\"unknown op \\\"teleport\\\"\"}}"
  },
  {
    "name": "unauthorized",
    "op": "ping",
    "id": 1,
    "error": {
      "code": "unauthorized",
      "message": "the first request must be hello"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"unauthorized\",\"message\":\"the first request must be hello\"}}"
  },
  {
    "name": "forbidden",
    "op": "join",
    "id": 1,
    "error": {
      "code": "forbidden",
      "message": "this room is closed to you"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"forbidden\",\"message\":\"this room is closed to you\"}}"
  },
  {
    "name": "not_in_room",
    "op": "post",
    "id": 1,
    "error": {
      "code": "not_in_room",
      "message": "join the room first"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"not_in_room\",\"message\":\"join the room first\"}}"
  },
  {
    "name": "no_such_peer",
    "op": "signal",
    "id": 1,
    "error": {
      "code": "no_such_peer",
      "message": "no such peer is in the room"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"no_such_peer\",\"message\":\"no such peer is in the room\"}}"
  },
  {
    "name": "room_full",
    "op": "join",
    "id": 1,
    "error": {
      "code": "room_full",
      "message": "the room has its 64 peers"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"room_full\",\"message\":\"the room has its 64 peers\"}}"
  },
  {
    "name": "too_large",
    "op": "join",
    "id": 1,
    "error": {
      "code": "too_large",
      "message": "info has 5000 bytes: want at most 4096"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"too_large\",\"message\":\"info has 5000 bytes: want at most 4096\"}}"
  },
  {
    "name": "offline",
    "op": "call",
    "id": 1,
    "error": {
      "code": "offline",
      "message": "bob is not online"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"offline\",\"message\":\"bob is not online\"}}"
  },
  {
    "name": "taken",
    "op": "answer",
    "id": 1,
    "error": {
      "code": "taken",
      "message": "the call was answered elsewhere"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"taken\",\"message\":\"the call was answered elsewhere\"}}"
  },
  {
    "name": "gone",
    "op": "hangup",
    "id": 1,
    "error": {
      "code": "gone",
      "message": "the call is over"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"gone\",\"message\":\"the call is over\"}}"
  },
  {
    "name": "unavailable",
    "op": "post",
    "id": 1,
    "error": {
      "code": "unavailable",
      "message": "the mesh did not confirm in time: send again with the same key"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"unavailable\",\"message\":\"the mesh did not confirm in time: send again with the same key\"}}"
  },
  {
    "name": "internal",
    "op": "post",
    "id": 1,
    "error": {
      "code": "internal",
      "message": "the edge failed; it is not known whether the request took effect"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"internal\",\"message\":\"the edge failed; it is not known whether the request took effect\"}}"
  },
  {
    "name": "a locked room",
    "op": "join",
    "id": 1,
    "error": {
      "code": "forbidden",
      "message": "the room is locked"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"forbidden\",\"message\":\"the room is locked\"}}"
  },
  {
    "name": "an invitation that is over",
    "op": "invited",
    "id": 1,
    "error": {
      "code": "gone",
      "message": "the invitation is not good, or no longer"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"gone\",\"message\":\"the invitation is not good, or no longer\"}}"
  },
  {
    "name": "the wrong secret",
    "op": "moderate",
    "id": 1,
    "error": {
      "code": "forbidden",
      "message": "this secret does not moderate this room"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"forbidden\",\"message\":\"this secret does not moderate this room\"}}"
  },
  {
    "name": "knock where no moderator is",
    "op": "knock",
    "id": 1,
    "error": {
      "code": "offline",
      "message": "no moderator is in the room"
    },
    "frame": "{\"id\":1,\"error\":{\"code\":\"offline\",\"message\":\"no moderator is in the room\"}}"
  },
]

export const EVENT_VECTORS: EventVector[] = [
  {
    "name": "joined",
    "event": {
      "ev": "joined",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "user": {
        "id": "bob",
        "name": "Bob"
      },
      "region": "us",
      "info": {
        "slots": {
          "microphone": true
        }
      }
    },
    "frame": "{\"ev\":\"joined\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"region\":\"us\",\"info\":{\"slots\":{\"microphone\":true}}}"
  },
  {
    "name": "joined without info",
    "event": {
      "ev": "joined",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "user": {
        "id": "bob",
        "name": "Bob"
      },
      "region": "us",
      "info": null
    },
    "frame": "{\"ev\":\"joined\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"region\":\"us\",\"info\":null}"
  },
  {
    "name": "updated",
    "event": {
      "ev": "updated",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "info": [
        1
      ]
    },
    "frame": "{\"ev\":\"updated\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"info\":[1]}"
  },
  {
    "name": "left: leave",
    "event": {
      "ev": "left",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "reason": "leave"
    },
    "frame": "{\"ev\":\"left\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"reason\":\"leave\"}"
  },
  {
    "name": "left: closed",
    "event": {
      "ev": "left",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "reason": "closed"
    },
    "frame": "{\"ev\":\"left\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"reason\":\"closed\"}"
  },
  {
    "name": "left: lost",
    "event": {
      "ev": "left",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "reason": "lost"
    },
    "frame": "{\"ev\":\"left\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"reason\":\"lost\"}"
  },
  {
    "name": "left: expired",
    "event": {
      "ev": "left",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "reason": "expired"
    },
    "frame": "{\"ev\":\"left\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"reason\":\"expired\"}"
  },
  {
    "name": "signal",
    "event": {
      "ev": "signal",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "from": "qrstuvwxyz765432",
      "data": {
        "type": "description",
        "description": {
          "type": "offer",
          "sdp": "v=0\r\n"
        }
      }
    },
    "frame": "{\"ev\":\"signal\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"from\":\"qrstuvwxyz765432\",\"data\":{\"type\":\"description\",\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}}}"
  },
  {
    "name": "signal in a room of any text",
    "event": {
      "ev": "signal",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "a.b.*.>   📞\"\\ 房间",
      "from": "qrstuvwxyz765432",
      "data": "x"
    },
    "frame": "{\"ev\":\"signal\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"a.b.*.>   📞\\\"\\\\ 房间\",\"from\":\"qrstuvwxyz765432\",\"data\":\"x\"}"
  },
  {
    "name": "post",
    "event": {
      "ev": "post",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "from": "qrstuvwxyz765432",
      "user": {
        "id": "bob \"b\"",
        "name": "Bob\\ 👋 <b>& "
      },
      "data": {
        "type": "text",
        "id": "m1",
        "text": "<b>&amp;</b>"
      }
    },
    "frame": "{\"ev\":\"post\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"from\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob \\\"b\\\"\",\"name\":\"Bob\\\\ 👋 <b>& \"},\"data\":{\"type\":\"text\",\"id\":\"m1\",\"text\":\"<b>&amp;</b>\"}}"
  },
  {
    "name": "the first of a source",
    "event": {
      "ev": "post",
      "mid": "aaaaaaaaaaaai:1",
      "at": 1760000000000,
      "room": "lobby",
      "from": "qrstuvwxyz765432",
      "user": {
        "id": "bob",
        "name": "Bob"
      },
      "data": null
    },
    "frame": "{\"ev\":\"post\",\"mid\":\"aaaaaaaaaaaai:1\",\"at\":1760000000000,\"room\":\"lobby\",\"from\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"data\":null}"
  },
  {
    "name": "ring",
    "event": {
      "ev": "ring",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "room": "lobby",
      "from": {
        "id": "bob",
        "name": "Bob"
      },
      "media": "video",
      "expiresAt": 1760000030000
    },
    "frame": "{\"ev\":\"ring\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"room\":\"lobby\",\"from\":{\"id\":\"bob\",\"name\":\"Bob\"},\"media\":\"video\",\"expiresAt\":1760000030000}"
  },
  {
    "name": "call: accepted",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "accepted",
      "by": "qrstuvwxyz765432"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"accepted\",\"by\":\"qrstuvwxyz765432\"}"
  },
  {
    "name": "call: declined",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "declined",
      "by": "qrstuvwxyz765432"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"declined\",\"by\":\"qrstuvwxyz765432\"}"
  },
  {
    "name": "call: busy",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "busy",
      "by": "qrstuvwxyz765432"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"busy\",\"by\":\"qrstuvwxyz765432\"}"
  },
  {
    "name": "call: cancelled",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "cancelled"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"cancelled\"}"
  },
  {
    "name": "call: missed",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "missed"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"missed\"}"
  },
  {
    "name": "call: taken",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "taken"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"taken\"}"
  },
  {
    "name": "call: ended",
    "event": {
      "ev": "call",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "call": "eu.abcdefghijklmnopqrst",
      "state": "ended"
    },
    "frame": "{\"ev\":\"call\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"call\":\"eu.abcdefghijklmnopqrst\",\"state\":\"ended\"}"
  },
  {
    "name": "presence",
    "event": {
      "ev": "presence",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "user": "bob",
      "online": true
    },
    "frame": "{\"ev\":\"presence\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"user\":\"bob\",\"online\":true}"
  },
  {
    "name": "absence",
    "event": {
      "ev": "presence",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "user": "bob",
      "online": false
    },
    "frame": "{\"ev\":\"presence\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"user\":\"bob\",\"online\":false}"
  },
  {
    "name": "goaway",
    "event": {
      "ev": "goaway",
      "reason": "draining",
      "reconnectAfterMs": 1500
    },
    "frame": "{\"ev\":\"goaway\",\"reason\":\"draining\",\"reconnectAfterMs\":1500}"
  },
  {
    "name": "left: kicked",
    "event": {
      "ev": "left",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "reason": "kicked"
    },
    "frame": "{\"ev\":\"left\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"reason\":\"kicked\"}"
  },
  {
    "name": "kicked",
    "event": {
      "ev": "kicked",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "until": 1760000600000
    },
    "frame": "{\"ev\":\"kicked\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"until\":1760000600000}"
  },
  {
    "name": "kicked, and free to come back",
    "event": {
      "ev": "kicked",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "until": 0
    },
    "frame": "{\"ev\":\"kicked\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"until\":0}"
  },
  {
    "name": "locked",
    "event": {
      "ev": "locked",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "locked": true
    },
    "frame": "{\"ev\":\"locked\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"locked\":true}"
  },
  {
    "name": "unlocked",
    "event": {
      "ev": "locked",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "locked": false
    },
    "frame": "{\"ev\":\"locked\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"locked\":false}"
  },
  {
    "name": "contact: mutual",
    "event": {
      "ev": "contact",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "user": {
        "id": "bob",
        "name": "Bob"
      },
      "state": "mutual"
    },
    "frame": "{\"ev\":\"contact\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"state\":\"mutual\"}"
  },
  {
    "name": "contact: asks",
    "event": {
      "ev": "contact",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "user": {
        "id": "bob",
        "name": "Bob"
      },
      "state": "asks"
    },
    "frame": "{\"ev\":\"contact\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"user\":{\"id\":\"bob\",\"name\":\"Bob\"},\"state\":\"asks\"}"
  },
  {
    "name": "contact: over",
    "event": {
      "ev": "contact",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "user": {
        "id": "bob",
        "name": ""
      },
      "state": "none"
    },
    "frame": "{\"ev\":\"contact\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"user\":{\"id\":\"bob\",\"name\":\"\"},\"state\":\"none\"}"
  },
  {
    "name": "knock",
    "event": {
      "ev": "knock",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "peer": "qrstuvwxyz765432",
      "user": {
        "id": "bob",
        "name": "Bob"
      }
    },
    "frame": "{\"ev\":\"knock\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"peer\":\"qrstuvwxyz765432\",\"user\":{\"id\":\"bob\",\"name\":\"Bob\"}}"
  },
  {
    "name": "admitted",
    "event": {
      "ev": "admitted",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "accept": true,
      "pass": "eyJyIjoi.bWFj"
    },
    "frame": "{\"ev\":\"admitted\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"accept\":true,\"pass\":\"eyJyIjoi.bWFj\"}"
  },
  {
    "name": "not admitted",
    "event": {
      "ev": "admitted",
      "mid": "q3v7k2mhbx5zi:41",
      "at": 1760000000000,
      "room": "lobby",
      "accept": false
    },
    "frame": "{\"ev\":\"admitted\",\"mid\":\"q3v7k2mhbx5zi:41\",\"at\":1760000000000,\"room\":\"lobby\",\"accept\":false}"
  },
  {
    "name": "ice",
    "event": {
      "ev": "ice",
      "iceServers": [
        {
          "urls": [
            "turn:turn.example.org:3478?transport=udp"
          ],
          "username": "1760003600:alice",
          "credential": "c2VjcmV0",
          "region": "eu"
        }
      ],
      "iceTtl": 3600
    },
    "frame": "{\"ev\":\"ice\",\"iceServers\":[{\"urls\":[\"turn:turn.example.org:3478?transport=udp\"],\"username\":\"1760003600:alice\",\"credential\":\"c2VjcmV0\",\"region\":\"eu\"}],\"iceTtl\":3600}"
  },
]

export const CLOSES: CloseVector[] = [
  {
    "name": "slow",
    "code": 4001,
    "then": "resume"
  },
  {
    "name": "draining",
    "code": 4002,
    "then": "resume"
  },
  {
    "name": "busLost",
    "code": 4003,
    "then": "resume"
  },
  {
    "name": "sessionUnknown",
    "code": 4101,
    "then": "hello"
  },
  {
    "name": "tokenExpired",
    "code": 4102,
    "then": "hello"
  },
  {
    "name": "protocol",
    "code": 4400,
    "then": "stop"
  },
  {
    "name": "badToken",
    "code": 4401,
    "then": "stop"
  },
  {
    "name": "forbidden",
    "code": 4403,
    "then": "stop"
  },
  {
    "name": "noHello",
    "code": 4408,
    "then": "stop"
  },
  {
    "name": "resumed",
    "code": 4409,
    "then": "stop"
  },
  {
    "name": "tooLarge",
    "code": 4413,
    "then": "stop"
  },
  {
    "name": "flooding",
    "code": 4429,
    "then": "stop"
  },
]

export const MIDS: MidVectors = {
  "good": [
    {
      "mid": "aaaaaaaaaaaai:1",
      "source": "0000000000000004",
      "n": 1
    },
    {
      "mid": "q3v7k2mhbx5zi:41",
      "source": "86ebf569870dfb94",
      "n": 41
    },
    {
      "mid": "7777777777776:9007199254740991",
      "source": "ffffffffffffffff",
      "n": 9007199254740991
    }
  ],
  "bad": [
    "",
    "41",
    "e7f2:41",
    "q3v7k2mhbx5zi",
    "q3v7k2mhbx5zi:",
    "q3v7k2mhbx5zi:0",
    "q3v7k2mhbx5zi:041",
    "q3v7k2mhbx5zi:-1",
    "q3v7k2mhbx5zi:+1",
    "q3v7k2mhbx5zi:4e1",
    "q3v7k2mhbx5zi:41 ",
    "q3v7k2mhbx5zi:18446744073709551616",
    "q3v7k2mhbx5zj:41",
    "Q3V7K2MHBX5ZI:41",
    "q3v7k2mhbx5z1:41",
    "q3v7k2mhbx\n5i:41",
    "q3v7k2mhbx5z\n:41",
    "q3v7k2mhbx5zia:41",
    ":41"
  ]
}
