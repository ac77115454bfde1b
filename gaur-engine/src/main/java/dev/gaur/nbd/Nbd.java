package dev.gaur.nbd;

/**
 * The protocol's numbers, named as its document names them without the prefix {@code NBD_}, and the
 * limits that both sides keep.
 */
public final class Nbd {
    /** The port that servers have unless told otherwise. */
    public static final int PORT = 10809;

    // ---- handshake

    /** {@code NBDMAGIC}, the first that a server sends. */
    public static final long MAGIC = 0x4e42444d41474943L;

    /** {@code IHAVEOPT}. */
    public static final long OPTION_MAGIC = 0x49484156454F5054L;

    /** What servers of before 2011 send in its place. */
    public static final long OLD_STYLE_MAGIC = 0x00420281861253L;

    public static final long REPLY_MAGIC = 0x3e889045565a9L;

    public static final int FLAG_FIXED_NEWSTYLE = 1;
    public static final int FLAG_NO_ZEROES = 2;

    public static final int OPT_EXPORT_NAME = 1;
    public static final int OPT_ABORT = 2;
    public static final int OPT_LIST = 3;
    public static final int OPT_STARTTLS = 5;
    public static final int OPT_INFO = 6;
    public static final int OPT_GO = 7;
    public static final int OPT_STRUCTURED_REPLY = 8;
    public static final int OPT_LIST_META_CONTEXT = 9;
    public static final int OPT_SET_META_CONTEXT = 10;
    public static final int OPT_EXTENDED_HEADERS = 11;

    public static final int REP_ACK = 1;
    public static final int REP_SERVER = 2;
    public static final int REP_INFO = 3;
    public static final int REP_META_CONTEXT = 4;
    public static final int REP_ERROR = 1 << 31;
    public static final int REP_ERR_UNSUP = REP_ERROR | 1;
    public static final int REP_ERR_POLICY = REP_ERROR | 2;
    public static final int REP_ERR_INVALID = REP_ERROR | 3;
    public static final int REP_ERR_PLATFORM = REP_ERROR | 4;
    public static final int REP_ERR_TLS_REQD = REP_ERROR | 5;
    public static final int REP_ERR_UNKNOWN = REP_ERROR | 6;
    public static final int REP_ERR_SHUTDOWN = REP_ERROR | 7;
    public static final int REP_ERR_BLOCK_SIZE_REQD = REP_ERROR | 8;
    public static final int REP_ERR_TOO_BIG = REP_ERROR | 9;
    public static final int REP_ERR_EXT_HEADER_REQD = REP_ERROR | 10;

    public static final int INFO_EXPORT = 0;
    public static final int INFO_NAME = 1;
    public static final int INFO_DESCRIPTION = 2;
    public static final int INFO_BLOCK_SIZE = 3;

    /** The zeros at the end of the answer to {@link #OPT_EXPORT_NAME}. */
    public static final int EXPORT_NAME_ZEROES = 124;

    // ---- what an export can do

    public static final int HAS_FLAGS = 1;
    public static final int READ_ONLY = 1 << 1;
    public static final int SEND_FLUSH = 1 << 2;
    public static final int SEND_FUA = 1 << 3;
    public static final int ROTATIONAL = 1 << 4;
    public static final int SEND_TRIM = 1 << 5;
    public static final int SEND_WRITE_ZEROES = 1 << 6;
    public static final int SEND_DF = 1 << 7;
    public static final int CAN_MULTI_CONN = 1 << 8;
    public static final int SEND_RESIZE = 1 << 9;
    public static final int SEND_CACHE = 1 << 10;
    public static final int SEND_FAST_ZERO = 1 << 11;
    public static final int BLOCK_STATUS_PAYLOAD = 1 << 12;

    // ---- transmission

    public static final int REQUEST_MAGIC = 0x25609513;
    public static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
    public static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    public static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;
    public static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

    public static final int REQUEST_BYTES = 28;
    public static final int EXTENDED_REQUEST_BYTES = 32;
    public static final int SIMPLE_REPLY_BYTES = 16;
    public static final int STRUCTURED_REPLY_BYTES = 20;
    public static final int EXTENDED_REPLY_BYTES = 32;

    public static final int CMD_READ = 0;
    public static final int CMD_WRITE = 1;
    public static final int CMD_DISC = 2;
    public static final int CMD_FLUSH = 3;
    public static final int CMD_TRIM = 4;
    public static final int CMD_CACHE = 5;
    public static final int CMD_WRITE_ZEROES = 6;
    public static final int CMD_BLOCK_STATUS = 7;

    public static final int CMD_FLAG_FUA = 1;
    public static final int CMD_FLAG_NO_HOLE = 1 << 1;
    public static final int CMD_FLAG_DF = 1 << 2;
    public static final int CMD_FLAG_REQ_ONE = 1 << 3;
    public static final int CMD_FLAG_FAST_ZERO = 1 << 4;
    public static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

    public static final int REPLY_FLAG_DONE = 1;

    public static final int REPLY_TYPE_NONE = 0;
    public static final int REPLY_TYPE_OFFSET_DATA = 1;
    public static final int REPLY_TYPE_OFFSET_HOLE = 2;
    public static final int REPLY_TYPE_BLOCK_STATUS = 5;
    public static final int REPLY_TYPE_BLOCK_STATUS_EXT = 6;
    public static final int REPLY_TYPE_ERROR = (1 << 15) + 1;
    public static final int REPLY_TYPE_ERROR_OFFSET = (1 << 15) + 2;

    // ---- block status

    /** The context that tells where data is. */
    public static final String BASE_ALLOCATION = "base:allocation";

    /** QEMU's context that tells which layer decides: 0 for none, 1 for the uppermost. */
    public static final String ALLOCATION_DEPTH = "qemu:allocation-depth";

    /** What QEMU's contexts of dirty bitmaps begin with; the bitmap's name follows. */
    public static final String DIRTY_BITMAP = "qemu:dirty-bitmap:";

    public static final int STATE_HOLE = 1;
    public static final int STATE_ZERO = 2;
    public static final int STATE_DIRTY = 1;

    // ---- limits

    /** The longest string of the protocol in bytes: names, descriptions, contexts. */
    public static final int STRING_MAX = 4096;

    /** What one read, write or cache may cover: as QEMU has it, and as every client expects. */
    public static final int PAYLOAD_MAX = 32 << 20;

    /** Extents of one status reply, as QEMU has it: with 8 bytes each one megabyte. */
    public static final int EXTENTS_MAX = 128 << 10;

    private Nbd() {}
}
