package dev.gaur.cli;

/** {@code gaur nbd --list}: what a server offers. */
final class NbdList {
    private NbdList() {}

    static int run(Invocation call) {
        throw new CommandException("--list is not supported yet");
    }
}
