package dev.libretto.cli;

import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Halt;
import dev.libretto.device.HostAddress;
import dev.libretto.device.TensorFlowServer;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** {@code libretto worker}: computes for training on another host until a signal ends it. */
final class WorkerCommand {
    static final Command COMMAND = new Command(
            "worker",
            "compute for training on another host",
            "",
            Flag.joined(List.of(HostFlags.LISTEN, HostFlags.ALLOW, HostFlags.INSECURE_NETWORK), DeviceFlags.ALL),
            List.of("worker --listen 10.0.0.2:7000", "worker --listen 10.0.0.2:7000 --allow 10.0.0.1,10.0.0.3"),
            WorkerCommand::run);

    private WorkerCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        HostAddress address = arguments.get(HostFlags.LISTEN);
        if (address == null) {
            throw new UsageException(
                    "missing address of this host; add --listen ADDRESS:PORT, such as --listen 10.0.0.2:7000");
        }
        TensorFlowServer.requireOwn(address);
        return serve(address, arguments, console);
    }

    /** Serves until a signal ends the process, after a batch if a chief computes here; a second signal ends it at once. */
    static int serve(HostAddress address, Arguments arguments, Console console) throws Exception {
        Choice device = DeviceFlags.choose(arguments);
        Set<InetAddress> allowed = HostFlags.allowed(arguments);
        HostFlags.requirePrivateNetwork(arguments);
        device.use();
        TensorFlowServer.startWorker(address, allowed);
        HostFlags.warn(console, address.port(), allowed);
        console.note("ready on %s; train with --workers %s%n", device.device(), address);
        Halt halt = new Halt();
        CompletableFuture<Integer> signal = new CompletableFuture<>();
        Signals.handledBy(number -> {
            if (!signal.complete(number)) {
                halt.now(128 + number);
            }
        });
        int exitCode = 128 + signal.get();
        TensorFlowServer.leave(
                address,
                chief -> console.note(
                        "ending once the chief %s has saved its progress; a second signal ends at once%n", chief));
        halt.exit(exitCode);
        return exitCode;
    }
}
