"""Tables of this app that the application's role may only read, or only add to; applied after each migrate."""

#: what is claimed under a contract, kept by the database's own triggers
NO_WRITE = ("applications_leaseuse",)

#: what was answered under a key the first time is what is answered for ever
APPEND_ONLY = (
    "applications_settlementanswer",
    "applications_meteringreport",
    # how a contract's price was broken down when a case was decided on it
    "applications_leasesplit",
    "applications_leasesplitline",
)
