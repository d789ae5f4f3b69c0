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

    static final Command COMMAND = new Command(
            "serve",
            "answer requests over HTTP, as OpenAI's completions, and show a page to write with",
            "",
            Flag.joined(List.of(RUN, GenerateFlags.CHECKPOINT, LISTEN, API_KEY_FILE, NO_AUTH, GRACE), DeviceFlags.ONE),
            List.of("serve", "serve --run runs/lyrics --run runs/plays --listen 0.0.0.0:8080 --api-key-file keys"),
            ServeCommand::run);

    private ServeCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        List<Path> given = arguments.getAll(RUN);
        List<Path> runs = given.isEmpty() ? List.of(console.runs().latest()) : given;
        HostAddress listen = arguments.get(LISTEN);
        Optional<ApiKeys> keys = keys(arguments, listen);
        ServeConfig config = new ServeConfig(
                console.runs().folder(),
                listen,
                keys,
                Limits.DEFAULT,
                Duration.ofSeconds(arguments.get(GRACE)),
                ServeConfig.STATE_BYTES);
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
            console.print("serving %s at http://%s/%n", server.models(), server.address());
            console.out().flush();
            signal.get();
        }
        int exitCode = 128 + signal.get();
        halt.exit(exitCode);
        return exitCode;
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
