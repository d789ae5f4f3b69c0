package dev.libretto.device;

import org.tensorflow.Graph;
import org.tensorflow.Session;

/** Sessions with several CPU devices, each of which stands for a GPU. */
public final class VirtualCpus {
    private VirtualCpus() {}

    /** Opens the session of a training graph with this many CPU devices; the caller closes it. */
    public static Session open(Graph graph, int parts, int devices) {
        return new Session(
                graph,
                Sessions.configForParts(Device.CPU, parts).toBuilder()
                        .putDeviceCount("CPU", devices)
                        .build());
    }
}
