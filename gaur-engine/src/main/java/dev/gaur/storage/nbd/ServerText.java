package dev.gaur.storage.nbd;

/** Texts of a server, which may be anybody's. */
final class ServerText {
    private ServerText() {}

    /** Returns a text that does a terminal no harm. */
    static String printable(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(each -> Character.isISOControl(each) ? '?' : each)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }
}
