package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.cli.Console.Verbosity;
import dev.libretto.device.Build;
import dev.libretto.device.Halt;
import dev.libretto.device.NativeLog;
import dev.libretto.device.TensorFlowSetup;
import dev.libretto.device.Terminal;
import dev.libretto.device.UserHome;
import dev.libretto.run.Disk;
import dev.libretto.run.Runs;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.exceptions.TFResourceExhaustedException;

/** Libretto's command line. Exit codes: 0 success, 1 failure, 2 wrong command line. */
public final class Main {
    private static final int FAILURE = 1;
    private static final int USAGE = 2;

    private static final Flag<Boolean> HELP = Flag.toggle("help", "show the options");
    private static final Flag<Boolean> DEBUG = Flag.toggle("debug", "print the stack trace of a failure");

    private static final Flag<Boolean> QUIET = Flag.toggle("quiet", "print only results, warnings and errors");
    private static final Flag<Boolean> VERBOSE =
            Flag.toggle("verbose", "also print a line per epoch, and TensorFlow's messages");

    static final List<Command> COMMANDS = List.of(
            TrainCommand.COMMAND,
            WorkerCommand.COMMAND,
            GenerateCommand.COMMAND,
            GenerateCommand.ALIAS,
            WriteCommand.COMMAND,
            ServeCommand.COMMAND,
            EvaluateCommand.COMMAND,
            ScoreCommand.COMMAND,
            InspectCommand.COMMAND,
            ExportCommand.COMMAND,
            ImportCommand.COMMAND,
            InfoCommand.COMMAND,
            PlotCommand.COMMAND,
            DoctorCommand.COMMAND);

    /** Whether a signal is ending the process. */
    private static volatile boolean ended;

    private final Console console;

    Main(Console console) {
        this.console = console;
    }

    public static void main(String[] args) {
        start(console -> new Main(console).run(args));
    }

    /** Sets up the process and its console, runs a program and exits with its exit code. */
    static void start(ToIntFunction<Console> program) {
        // Pictures go to files only; without this, AWT fails if DISPLAY names a missing screen.
        System.setProperty("java.awt.headless", "true");
        // Otherwise JNA starts a process to list the system's libraries, which the linker finds by their full names.
        System.setProperty("jna.platform.library.path", "");
        UserHome.ensureUsable();
        OutputStream out = OutputException.reporting(new FileOutputStream(FileDescriptor.out));
        OutputStream err = new FileOutputStream(FileDescriptor.err);
        StatusLine statusLine = new StatusLine(err, Terminal::isPresent, Terminal::width);
        Console console = new Console(
                System.in,
                new PrintWriter(shown(statusLine.above(out), Terminal::isStdout), false),
                new PrintWriter(shown(statusLine.above(err), Terminal::isStderr), true),
                System.getProperty("libretto.program", "libretto"),
                new Runs(Path.of("runs")),
                () -> Terminal.isStderr() ? Terminal.width() : Integer.MAX_VALUE,
                statusLine,
                Verbosity.NORMAL);
        Runtime.getRuntime().addShutdownHook(new Thread(statusLine::end));
        Signals.handledBy(number -> {
            ended = true;
            new Halt().exit(128 + number);
        });
        System.exit(program.applyAsInt(console));
    }

    private static Writer shown(OutputStream out, BooleanSupplier isTerminal) {
        return ControlCharacters.escaping(new OutputStreamWriter(out, StandardCharsets.UTF_8), isTerminal);
    }

    /** Runs the command line and returns the exit code. */
    int run(String... args) {
        List<String> words = Arrays.asList(args);
        Optional<Command> command = words.isEmpty() ? Optional.empty() : find(words.get(0));
        String name = command.map(found -> " " + found.name()).orElse("");
        List<Flag<?>> flags = command.map(Command::flags).orElse(List.of());
        return reportFailures("libretto" + name, console.command() + name, flags, words, () -> dispatch(words));
    }

    /** Runs a program with a single command and returns the exit code. */
    int run(String program, Command command, String... args) {
        List<String> words = Arrays.asList(args);
        return reportFailures(program, console.command(), command.flags(), words, () -> run(command, words));
    }

    private int reportFailures(
            String who, String commandLine, List<Flag<?>> flags, List<String> words, Callable<Integer> work) {
        try {
            int exitCode = work.call();
            console.out().flush();
            return exitCode;
        } catch (UsageException e) {
            console.complain(who + ": " + e.getMessage() + " (see \"" + commandLine + " --help\")");
            return USAGE;
        } catch (OutputException e) {
            if (e.isClosedPipe()) {
                return 0;
            }
            console.complain(who + ": could not write the output: " + e.getMessage());
            return FAILURE;
        } catch (Exception | LinkageError | OutOfMemoryError e) {
            if (ended) {
                // Work fails when its unfinished files are deleted; the signal is the reason.
                return FAILURE;
            }
            console.complain(who + ": " + explain(e, flags));
            if (words.contains("--debug")) {
                e.printStackTrace(console.err());
            }
            return FAILURE;
        }
    }

    private int dispatch(List<String> words) throws Exception {
        if (words.isEmpty()) {
            throw new UsageException("missing command; expected one of " + names());
        }
        String first = words.get(0);
        switch (first) {
            case "--help", "-h", "help" -> {
                requireAtMost(2, words);
                if (words.size() == 2) {
                    return run(command(words.get(1)), List.of("--help"));
                }
                Help.print(COMMANDS, console);
            }
            case "--version" -> {
                requireAtMost(1, words);
                printVersion();
            }
            default -> {
                return run(command(first), words.subList(1, words.size()));
            }
        }
        return 0;
    }

    private static void requireAtMost(int count, List<String> words) throws UsageException {
        if (words.size() > count) {
            throw new UsageException("unexpected argument \"" + words.get(count) + "\" after " + words.get(count - 1));
        }
    }

    private Command command(String name) throws UsageException {
        return find(name)
                .orElseThrow(() -> new UsageException("unknown command \"" + name + "\"; expected one of " + names()));
    }

    private int run(Command command, List<String> words) throws Exception {
        List<Flag<?>> flags = Flag.joined(command.flags(), List.of(QUIET, VERBOSE, DEBUG, HELP));
        if (words.contains("--help") || words.contains("-h")) {
            Help.print(command, flags, console);
            return 0;
        }
        Arguments arguments = Arguments.parse(flags, !command.operands().isEmpty(), words);
        return command.action().applyAsInt(arguments, console.with(verbosity(arguments)));
    }

    private static Verbosity verbosity(Arguments arguments) throws UsageException {
        if (arguments.has(QUIET) && arguments.has(VERBOSE)) {
            throw new UsageException("--quiet and --verbose are mutually exclusive");
        }
        if (arguments.has(VERBOSE)) {
            NativeLog.show();
            return Verbosity.VERBOSE;
        }
        return arguments.has(QUIET) ? Verbosity.QUIET : Verbosity.NORMAL;
    }

    private Optional<Command> find(String name) {
        return COMMANDS.stream().filter(command -> command.name().equals(name)).findFirst();
    }

    private String names() {
        return COMMANDS.stream().map(Command::name).collect(Collectors.joining(", "));
    }

    private void printVersion() {
        Build build = Build.current();
        console.print(
                "libretto %s, TensorFlow %s (TensorFlow Java %s), Java %s%n",
                build.version(), TensorFlowSetup.version(), build.tensorflowJava(), Runtime.version());
    }

    /** @param flags the options of the failed command, some of which the message may suggest */
    static String explain(Throwable e, List<Flag<?>> flags) {
        if (e instanceof UncheckedIOException unchecked) {
            return explain(unchecked.getCause(), flags);
        }
        if (e instanceof LibrettoException || e instanceof IllegalArgumentException) {
            return e.getMessage();
        }
        if (e instanceof IOException io) {
            return Disk.reason(io);
        }
        if (e instanceof OutOfMemoryError) {
            return "out of memory; raise Java's limit with LIBRETTO_JAVA_OPTS=-Xmx8g"
                    + smaller(", or", flags, "max-chars", "hidden-size", "num-samples");
        }
        String first = Disk.reason(e);
        if (e instanceof TFResourceExhaustedException) {
            return "out of memory (" + first + ")"
                    + smaller(";", flags, "batch-size", "seq-length", "hidden-size", "num-samples");
        }
        return "unexpected " + e.getClass().getSimpleName() + ": " + first + "; --debug prints the stack trace";
    }

    private static String smaller(String before, List<Flag<?>> flags, String... names) {
        List<String> options = Stream.of(names)
                .filter(name -> flags.stream().anyMatch(flag -> flag.name().equals(name)))
                .map(name -> "--" + name)
                .toList();
        return options.isEmpty() ? "" : before + " use a smaller " + String.join(" or ", options);
    }
}
