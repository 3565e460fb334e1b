"""Tables of this app that the application's role may only add to; applied after each migrate."""

#: what was answered under a key the first time is what is answered for ever
APPEND_ONLY = ("applications_settlementanswer",)
