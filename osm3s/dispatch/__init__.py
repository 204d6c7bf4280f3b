"""Permission to read and write one database, and the publication of its commits. Knows nothing of what is stored.

| module | what it holds |
|---|---|
| state | the state machine, pure, with its diagram |
| connection, readers, writer | its parts: one client, those who read, the permission to write |
| effects | what the state machine asks its surroundings to do |
| admission | who may start now: the place of rate limits and load shedding |
| server | state machine, sockets, processes and clock tied together on uvloop |
| client | what readers, writers and control programs use: plain blocking socket |
| wire, requests | frames of the protocol and the checked meaning of their content |
| status_page | the page in shared memory: where the database is, which version, who reads, who writes |
| instance | one dispatcher per database: locks, socket, page, and taking them over from a killed one |
| recovery | what storage has to offer to roll an interrupted commit back or forward |
| processes | is that process still alive, and telling when it ends |
| journal, status_text | the two log files, and the text of `--status` |
| version | what a commit publishes |
| identity, request_hash | the client's token and the hashes of its query, as in the reference's logs |
"""
