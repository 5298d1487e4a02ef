"""What other programs on this machine may ask: the local API over loopback HTTP, and the same for agents.

    desk       one library, and the moments that were found in it, by id
    searches   searches that run while clients read their events
    turns      one search after the other
    pairing    who may ask
    gate       what is refused before anything is read
    api        the addresses, and what each answers
    server     the one place that listens
    agents     the tools of the Model Context Protocol, over standard input and output

Nothing here listens unless `Server.start` is called.
"""
