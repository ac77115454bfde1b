package dev.gaur.cli;

import java.util.List;

/** A command that a later version will have; until then it says so, whatever its options. */
record LaterCommand(String name, String purpose) implements Command {
    /** What the help adds to commands that do not work yet. */
    static final String MARK = " (not supported yet)";

    @Override
    public String summary() {
        return purpose + MARK;
    }

    @Override
    public String operands() {
        return "...";
    }

    @Override
    public List<Option> options() {
        return List.of();
    }

    @Override
    public int run(Invocation call) {
        throw notYet();
    }

    CommandException notYet() {
        return new CommandException("'" + name + "' is not supported yet");
    }
}
