package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Halt;
import dev.libretto.device.HostAddress;
import dev.libretto.serve.ApiKeys;
import dev.libretto.serve.Limits;
import dev.libretto.serve.ModelServer;
import dev.libretto.serve.ServeConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** {@code libretto serve}: answers requests over HTTP until a signal ends it. */
final class ServeCommand {
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to serve; repeat it for several (default the latest)");
    static final Flag<HostAddress> LISTEN = Flag.parsed(
            "listen",
            "ADDRESS:PORT",
            "where to accept connections; port 0 picks a free one",
            new HostAddress("127.0.0.1", 8080),
            HostAddress::parseListening);
    static final Flag<Path> API_KEY_FILE =
            Flag.path("api-key-file", "FILE", "file with a key per line, one of which each request must have");
    static final Flag<Boolean> NO_AUTH = Flag.toggle("no-auth", "let everyone in who can reach the address");
    static final Flag<Integer> GRACE =
            Flag.integer("grace", "seconds that running answers may take when a signal ends the server", 10, 0, 86_400);
    static final Flag<Boolean> FOLLOW =
            Flag.toggle("follow", "serve newer checkpoints of the runs as soon as they are saved");
    static final Flag<Integer> STATE_CACHE = Flag.integer(
            "state-cache", "MiB for the states of texts that may be continued, for each run", 256, 0, 1 << 20);
    static final Flag<Integer> MAX_ROWS =
            Flag.integer("max-rows", "texts that each run continues at once", 64, 1, 4096);
    static final Flag<Integer> MAX_QUEUE =
            Flag.integer("max-queue", "texts that may wait, for each run", 256, 0, 1_000_000);
    static final Flag<Integer> MAX_TOKENS = Flag.integer(
            "max-tokens", "characters that a request may ask for, of all its texts", 100_000, 1, 100_000_000);
    static final Flag<Integer> MAX_PROMPT =
            Flag.integer("max-prompt", "characters of a prompt", Prefix.MAX_CHARACTERS, 1, 100_000_000);
    static final Flag<Integer> MAX_BODY =
            Flag.integer("max-body", "MiB of a request; all together may have 16 times as many", 8, 1, 1024);
    static final Flag<Integer> MAX_CONNECTIONS =
            Flag.integer("max-connections", "open connections", 1024, 1, 1_000_000);
    static final Flag<Integer> TIMEOUT = Flag.integer(
            "timeout",
            "seconds that a client may take to send a request, or to accept 256 KiB of an answer",
            30,
            1,
            86_400);

    static final Command COMMAND = new Command(
            "serve",
            "answer requests over HTTP, as OpenAI's completions, and show a page to write with",
            "",
            Flag.joined(
                    List.of(RUN, GenerateFlags.CHECKPOINT, FOLLOW, LISTEN, API_KEY_FILE, NO_AUTH, GRACE),
                    List.of(STATE_CACHE, MAX_ROWS, MAX_QUEUE, MAX_TOKENS, MAX_PROMPT, MAX_BODY),
                    List.of(MAX_CONNECTIONS, TIMEOUT),
                    DeviceFlags.ONE),
            List.of("serve", "serve --run runs/lyrics --run runs/plays --listen 0.0.0.0:8080 --api-key-file keys"),
            ServeCommand::run);

    private ServeCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        List<Path> given = arguments.getAll(RUN);
        HostAddress listen = arguments.get(LISTEN);
        Duration grace = Duration.ofSeconds(arguments.get(GRACE));
        ServeConfig config = new ServeConfig(
                given.isEmpty() ? Optional.of(console.runs().folder()) : Optional.empty(),
                listen,
                keys(arguments, listen),
                limits(arguments),
                (long) arguments.get(STATE_CACHE) << 20,
                arguments.get(FOLLOW));
        List<Path> runs = given.isEmpty() ? List.of(console.runs().latest()) : given;
        Choice device = DeviceFlags.choose(arguments, console);
        Halt halt = new Halt();
        CompletableFuture<Integer> signal = new CompletableFuture<>();
        try (ModelServer server =
                ModelServer.start(runs, arguments.get(GenerateFlags.CHECKPOINT), device, config, console::complain)) {
            Signals.handledBy(number -> {
                if (!signal.complete(number)) {
                    halt.now(128 + number);
                }
            });
            announce(server, config, console);
            signal.get();
            console.note(
                    "ending once running answers are complete, after %d s at most; a second signal ends at once%n",
                    grace.toSeconds());
            server.drain(grace);
        }
        int exitCode = 128 + signal.get();
        halt.exit(exitCode);
        return exitCode;
    }

    private static Limits limits(Arguments arguments) throws UsageException {
        return new Limits(
                arguments.get(MAX_ROWS),
                arguments.get(MAX_QUEUE),
                arguments.get(MAX_BODY) << 20,
                arguments.get(MAX_PROMPT),
                arguments.get(MAX_TOKENS),
                Runtime.getRuntime().maxMemory() / 2,
                arguments.get(MAX_CONNECTIONS),
                Duration.ofSeconds(arguments.get(TIMEOUT)));
    }

    /** Prints where it listens, and a command to try. */
    private static void announce(ModelServer server, ServeConfig config, Console console) {
        String url = "http://" + server.address() + "/";
        console.print("serving %s at %s%n", String.join(", ", server.models()), url);
        console.out().flush();
        console.note(
                "try: curl %sv1/completions -H \"Content-Type: application/json\"%s -d %s%n",
                url,
                config.keys().isPresent() ? " -H \"Authorization: Bearer $KEY\"" : "",
                Shell.quote(server.example()));
    }

    private static Optional<ApiKeys> keys(Arguments arguments, HostAddress listen) throws Exception {
        Path file = arguments.get(API_KEY_FILE);
        if (file != null && arguments.get(NO_AUTH)) {
            throw new UsageException("--api-key-file and --no-auth are mutually exclusive");
        }
        if (file == null
                && !arguments.get(NO_AUTH)
                && !HostAddress.resolve(listen.host()).isLoopbackAddress()) {
            throw new LibrettoException(listen.host() + " can be reached from other hosts; add --api-key-file FILE, or"
                    + " --no-auth to let everyone in");
        }
        return file == null ? Optional.empty() : Optional.of(ApiKeys.read(file));
    }
}
