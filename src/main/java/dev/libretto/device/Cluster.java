package dev.libretto.device;

import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.ClusterDef;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.JobDef;
import org.tensorflow.proto.RpcOptions.RPCOptions;

/**
 * The hosts that train one model: the chief, which is this process, and its workers. Host 0 is the chief. A worker need not know
 * the others, as each session brings the list.
 *
 * @param chief where the workers reach this process
 * @param timeout the longest time for a batch, and to wait for an answer of each worker
 */
public record Cluster(HostAddress chief, List<Worker> workers, Duration timeout) {
    /** A worker as it was when the chief found it. */
    public record Worker(HostAddress address, WorkerInfo info) {}

    /** Differs from that of {@link TensorFlowServer}. */
    private static final String JOB = "libretto";

    /** How many times as long as another the first batch may take: an unrolled graph takes long to prepare. */
    private static final int FIRST_BATCH = 10;

    /** Errors of other hosts, which the first one caused, can be in the same message. */
    private static final Pattern LOST_SESSION =
            Pattern.compile("From /job:" + JOB + "/replica:0/task:(\\d+):\\s*Session handle is not found");

    /** What gRPC says if a call is not answered, or not in time. */
    private static final Pattern NETWORK =
            Pattern.compile("Deadline Exceeded|Failed to pick subchannel|\"grpc_status\":14");

    /**
     * Finds workers, and starts the chief's server, which runs until the process ends: whoever reaches its port can run any code.
     *
     * @param timeout the longest time for a batch, and to wait for an answer of each worker; from a second to a day
     * @param device where this process computes, as the training does
     * @throws LibrettoException if a worker is not reached or would compute other bits, or no port can be opened
     */
    public static Cluster join(List<HostAddress> workers, Duration timeout, Choice device) throws LibrettoException {
        requireLimit(timeout);
        device.use();
        return start(find(workers, timeout), null, Set.of(), timeout);
    }

    /** TensorFlow takes zero for no limit, and sockets count milliseconds in an int. */
    private static void requireLimit(Duration timeout) {
        if (timeout.compareTo(Duration.ofSeconds(1)) < 0 || timeout.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException(
                    "the limit is " + timeout.toMillis() + " ms; it must be from a second to a day");
        }
    }

    /**
     * Starts the chief's server, for sessions on the device of {@link Sessions}.
     *
     * @param listen where the workers reach this process; null for the address that reaches them and any free port
     * @param allowed the addresses from which the chief accepts connections; empty for all
     * @param timeout the longest time for a batch, and to wait for an answer of each worker
     * @throws LibrettoException if the port cannot be opened, or the system does not filter by address
     */
    public static Cluster start(List<Worker> workers, HostAddress listen, Set<InetAddress> allowed, Duration timeout)
            throws LibrettoException {
        HostAddress chief = listen == null ? HostAddress.of(routeTo(workers, timeout), freePort()) : listen;
        TensorFlowServer.start(chief, withOwn(chief, allowed));
        return new Cluster(chief, workers, timeout);
    }

    /** Returns the addresses with the chief's own, from which its sessions connect; empty still stands for all. */
    static Set<InetAddress> withOwn(HostAddress chief, Set<InetAddress> allowed) throws LibrettoException {
        Set<InetAddress> all = new LinkedHashSet<>(allowed);
        if (!all.isEmpty()) {
            all.add(HostAddress.resolve(chief.host()));
        }
        return all;
    }

    /** Returns the cluster with the workers found again, of which some may have been restarted. */
    public Cluster rejoin() throws LibrettoException {
        return new Cluster(chief, find(workers.stream().map(Worker::address).toList(), timeout), timeout);
    }

    /**
     * Finds workers.
     *
     * @param timeout the longest time to wait for an answer of each
     * @throws LibrettoException if one is not reached or would compute other bits
     */
    public static List<Worker> find(List<HostAddress> addresses, Duration timeout) throws LibrettoException {
        List<Worker> workers = new ArrayList<>();
        for (HostAddress address : addresses) {
            WorkerInfo info = WorkerInfo.read(address, timeout);
            info.requireLike(WorkerInfo.current(), address);
            workers.add(new Worker(address, info));
        }
        return List.copyOf(workers);
    }

    /** @throws LibrettoException if sessions of this process no longer compute as when the workers were found */
    public void requireLikeWorkers() throws LibrettoException {
        for (Worker worker : workers) {
            worker.info().requireLike(WorkerInfo.current(), worker.address());
        }
    }

    /** Returns the address of this host that reaches the workers; those on other hosts do not reach the loopback address. */
    private static InetAddress routeTo(List<Worker> workers, Duration timeout) throws LibrettoException {
        InetAddress route = null;
        for (Worker worker : workers) {
            route = route == null || route.isLoopbackAddress()
                    ? worker.address().reach(timeout)
                    : route;
        }
        return route;
    }

    private static int freePort() throws LibrettoException {
        try (ServerSocket any = new ServerSocket(0)) {
            return any.getLocalPort();
        } catch (IOException e) {
            throw new LibrettoException("cannot listen on any port: " + e.getMessage(), e);
        }
    }

    /** Returns the devices of each host on which sessions compute: its GPUs, or its CPU. */
    List<DeviceSpec> devices() {
        List<DeviceSpec> devices = new ArrayList<>();
        for (int host = 0; host <= workers.size(); host++) {
            int gpus = host == 0
                    ? Sessions.device().gpus().size()
                    : workers.get(host - 1).info().countGpus();
            for (int i = 0; i < Math.max(1, gpus); i++) {
                devices.add(DeviceSpec.newBuilder()
                        .job(JOB)
                        .replica(0)
                        .task(host)
                        .deviceType(gpus > 0 ? DeviceType.GPU : DeviceType.CPU)
                        .deviceIndex(i)
                        .build());
            }
        }
        return devices;
    }

    /**
     * Throws what a user can put right if a run failed because of the network or a worker, which it names. Returns if the reason
     * is another.
     *
     * @throws LostHostException if the hosts may compute again later
     */
    void explain(TensorFlowException failure) throws LibrettoException {
        for (Worker worker : workers) {
            WorkerInfo now;
            try {
                now = WorkerInfo.read(worker.address(), answerTimeout());
            } catch (LibrettoException e) {
                throw new LostHostException(e.getMessage(), false, failure);
            }
            if (!now.process().equals(worker.info().process())) {
                throw new LostHostException("worker " + worker.address() + " was restarted", false, failure);
            }
        }
        String message = failure.getMessage();
        Matcher lost = LOST_SESSION.matcher(message);
        if (lost.find()) {
            throw new LibrettoException(
                    "worker " + workers.get(Integer.parseInt(lost.group(1)) - 1).address()
                            + " now computes for another chief; use another worker",
                    failure);
        }
        if (NETWORK.matcher(message).find()) {
            throw new LostHostException(
                    "a batch failed or took longer than " + timeout.toSeconds() + " s (the first "
                            + firstBatchTimeout().toSeconds()
                            + " s), although each worker answers this host; check that the workers reach each other, and this host at "
                            + chief + ", or allow more time with --worker-timeout",
                    true,
                    failure);
        }
    }

    /** Returns the longest time to wait for an answer between batches, or when one has failed. */
    Duration answerTimeout() {
        Duration most = TensorFlowServer.ANSWER_TIMEOUT;
        return timeout.compareTo(most) < 0 ? timeout : most;
    }

    /** Returns the longest time for the first batch of a session, before which the hosts prepare the graph. */
    Duration firstBatchTimeout() {
        return timeout.multipliedBy(FIRST_BATCH);
    }

    /** Throws if a worker is shutting down. */
    void requireNotShuttingDown() throws LostHostException {
        for (Worker worker : workers) {
            try {
                WorkerInfo.requireNotShuttingDown(worker.address(), answerTimeout());
            } catch (LibrettoException e) {
                throw new LostHostException(e.getMessage(), false, e);
            }
        }
    }

    /**
     * Tells the workers that a session computes on them, so that they do not end during a batch.
     *
     * @throws TensorFlowException if one is not reached
     */
    void claim(Claim claim) {
        for (Worker worker : workers) {
            try {
                tell(worker, () -> Notice.CHIEF.write(worker.address(), claim.toString(), timeout));
            } catch (LibrettoException e) {
                throw new TensorFlowException(e.getMessage(), e);
            }
        }
    }

    /** Tells the workers that a session no longer computes on them. They may serve another by now, even of this chief. */
    void release(Claim claim) {
        for (Worker worker : workers) {
            try {
                tell(worker, () -> Notice.CHIEF.replace(worker.address(), claim.toString(), "", answerTimeout()));
            } catch (LibrettoException | TensorFlowException e) {
                // A lost worker need not know.
            }
        }
    }

    /** Calls an action that uses a worker, if its port is open: otherwise TensorFlow would try again until the time is over. */
    private void tell(Worker worker, Runnable action) throws LibrettoException {
        worker.address().reach(answerTimeout());
        action.run();
    }

    /** Returns the configuration of a session. */
    ConfigProto config() {
        JobDef.Builder job = JobDef.newBuilder().setName(JOB).putTasks(0, chief.toString());
        for (Worker worker : workers) {
            job.putTasks(job.getTasksCount(), worker.address().toString());
        }
        return Device.withoutOptimizer().toBuilder()
                .setClusterDef(ClusterDef.newBuilder().addJob(job))
                // As in Device.config. The servers have the other options of GPUs.
                .setAllowSoftPlacement(Sessions.areOnGpu())
                // Otherwise variables of the same name are shared between sessions.
                .setIsolateSessionState(true)
                .setOperationTimeoutInMs(timeout.toMillis())
                // Otherwise the limit does not hold for the chief's own server.
                .setRpcOptions(RPCOptions.newBuilder().setUseRpcForInprocessMaster(true))
                .build();
    }
}
