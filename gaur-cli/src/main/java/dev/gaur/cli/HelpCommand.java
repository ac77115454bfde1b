package dev.gaur.cli;

import java.util.List;

/** {@code gaur help [COMMAND]}. */
final class HelpCommand implements Command {
    @Override
    public String name() {
        return "help";
    }

    @Override
    public String summary() {
        return "show what there is, or how a command is used";
    }

    @Override
    public String operands() {
        return "[COMMAND]";
    }

    @Override
    public List<Option> options() {
        return List.of();
    }

    @Override
    public int run(Invocation call) {
        if (call.operands().isEmpty()) {
            call.out().print(Help.program(call.program()));
            return 0;
        }
        String name = call.onlyOperand("Expecting one command");
        Command command = Commands.find(name);
        if (command == null) {
            throw CommandException.usage("Command not found: " + name);
        }
        call.out().print(Help.command(call.program(), command));
        return 0;
    }
}
