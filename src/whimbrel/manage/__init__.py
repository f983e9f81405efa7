"""What operators and accounts configure: accounts, keys, senders, carriers, routes, prices, balance, opt-outs and
webhooks. One file a noun, one function a verb: `await create(ctx, actor, request, …)`. Each function checks (a refusal
changes nothing), writes through the store with an audit entry in the same commit, and refreshes the tables. Imports
`store`, `net`, `domain` and what is below them; it knows the journey's tables only by what it tells them.
"""
