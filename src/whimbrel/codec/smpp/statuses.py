"""command_status by number: names and meanings.

Apart from `tables` because it is the one table that those read who never see a PDU: refusals, the doctor, the console.
Numbers to 0xFF are those of SMPP 3.4 (clause 5.1.3, table 5-2), those from 0x100 of SMPP 5.0 (clause 4.7.6, table
4-45), whose peers answer with them on 3.4 binds too.
"""

from enum import IntEnum
from typing import Final, Self


class Status(IntEnum):
    """command_status: number and meaning. Peers send others too: treat them as integers."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> Self:
        """A member is its number; the words ride along."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.meaning = meaning
        return member

    ESME_ROK = 0x00, "no error"
    ESME_RINVMSGLEN = 0x01, "message length is invalid"
    ESME_RINVCMDLEN = 0x02, "command length is invalid"
    ESME_RINVCMDID = 0x03, "invalid command id"
    ESME_RINVBNDSTS = 0x04, "incorrect bind status for the command"
    ESME_RALYBND = 0x05, "already in bound state"
    ESME_RINVPRTFLG = 0x06, "invalid priority flag"
    ESME_RINVREGDLVFLG = 0x07, "invalid registered delivery flag"
    ESME_RSYSERR = 0x08, "system error"
    ESME_RINVSRCADR = 0x0A, "invalid source address"
    ESME_RINVDSTADR = 0x0B, "invalid destination address"
    ESME_RINVMSGID = 0x0C, "message id is invalid"
    ESME_RBINDFAIL = 0x0D, "bind failed"
    ESME_RINVPASWD = 0x0E, "invalid password"
    ESME_RINVSYSID = 0x0F, "invalid system id"
    ESME_RCANCELFAIL = 0x11, "cancel_sm failed"
    ESME_RREPLACEFAIL = 0x13, "replace_sm failed"
    ESME_RMSGQFUL = 0x14, "message queue full"
    ESME_RINVSERTYP = 0x15, "invalid service type"
    ESME_RINVNUMDESTS = 0x33, "invalid number of destinations"
    ESME_RINVDLNAME = 0x34, "invalid distribution list name"
    ESME_RINVDESTFLAG = 0x40, "destination flag is invalid"
    ESME_RINVSUBREP = 0x42, "invalid submit with replace request"
    ESME_RINVESMCLASS = 0x43, "invalid esm_class"
    ESME_RCNTSUBDL = 0x44, "cannot submit to distribution list"
    ESME_RSUBMITFAIL = 0x45, "submit_sm or submit_multi failed"
    ESME_RINVSRCTON = 0x48, "invalid source address TON"
    ESME_RINVSRCNPI = 0x49, "invalid source address NPI"
    ESME_RINVDSTTON = 0x50, "invalid destination address TON"
    ESME_RINVDSTNPI = 0x51, "invalid destination address NPI"
    ESME_RINVSYSTYP = 0x53, "invalid system type"
    ESME_RINVREPFLAG = 0x54, "invalid replace_if_present flag"
    ESME_RINVNUMMSGS = 0x55, "invalid number of messages"
    ESME_RTHROTTLED = 0x58, "throttling error: allowed message limits exceeded"
    ESME_RINVSCHED = 0x61, "invalid scheduled delivery time"
    ESME_RINVEXPIRY = 0x62, "invalid validity period"
    ESME_RINVDFTMSGID = 0x63, "predefined message is invalid or not found"
    ESME_RX_T_APPN = 0x64, "receiver temporary application error"
    ESME_RX_P_APPN = 0x65, "receiver permanent application error"
    ESME_RX_R_APPN = 0x66, "receiver rejects the message"
    ESME_RQUERYFAIL = 0x67, "query_sm failed"
    ESME_RINVOPTPARSTREAM = 0xC0, "error in the optional part of the PDU"
    ESME_ROPTPARNOTALLWD = 0xC1, "optional parameter not allowed"
    ESME_RINVPARLEN = 0xC2, "invalid parameter length"
    ESME_RMISSINGOPTPARAM = 0xC3, "expected optional parameter missing"
    ESME_RINVOPTPARAMVAL = 0xC4, "invalid optional parameter value"
    ESME_RDELIVERYFAILURE = 0xFE, "delivery failure"
    ESME_RUNKNOWNERR = 0xFF, "unknown error"
    ESME_RSERTYPUNAUTH = 0x100, "not authorised to use this service type"
    ESME_RPROHIBITED = 0x101, "prohibited from using this operation"
    ESME_RSERTYPUNAVAIL = 0x102, "service type is unavailable"
    ESME_RSERTYPDENIED = 0x103, "service type is denied"
    ESME_RINVDCS = 0x104, "invalid data coding scheme"
    ESME_RINVSRCADDRSUBUNIT = 0x105, "invalid source address subunit"
    ESME_RINVDSTADDRSUBUNIT = 0x106, "invalid destination address subunit"
    ESME_RINVBCASTFREQINT = 0x107, "invalid broadcast frequency interval"
    ESME_RINVBCASTALIAS_NAME = 0x108, "invalid broadcast alias name"
    ESME_RINVBCASTAREAFMT = 0x109, "invalid broadcast area format"
    ESME_RINVNUMBCAST_AREAS = 0x10A, "invalid number of broadcast areas"
    ESME_RINVBCASTCNTTYPE = 0x10B, "invalid broadcast content type"
    ESME_RINVBCASTMSGCLASS = 0x10C, "invalid broadcast message class"
    ESME_RBCASTFAIL = 0x10D, "broadcast_sm failed"
    ESME_RBCASTQUERYFAIL = 0x10E, "query_broadcast_sm failed"
    ESME_RBCASTCANCELFAIL = 0x10F, "cancel_broadcast_sm failed"
    ESME_RINVBCAST_REP = 0x110, "invalid number of repeated broadcasts"
    ESME_RINVBCASTSRVGRP = 0x111, "invalid broadcast service group"
    ESME_RINVBCASTCHANIND = 0x112, "invalid broadcast channel indicator"


STATUSES: Final[dict[int, Status]] = {int(status): status for status in Status}


def status_name(status: int) -> str:
    """The ESME_ name of a status, or its number in hex when the specification has no name for it."""
    known = STATUSES.get(status)
    return known.name if known is not None else f"0x{status:08X}"
