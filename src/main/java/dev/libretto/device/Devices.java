package dev.libretto.device;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.tensorflow.internal.c_api.TF_DeviceList;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Session;
import org.tensorflow.internal.c_api.TF_SessionOptions;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;

/** The devices that TensorFlow computes on here. */
public final class Devices {
    private Devices() {}

    /** The device that work is placed on where nothing else is asked for, in words: the first GPU, or else the CPU. */
    public static String describeDefault() {
        List<String> gpus = types().stream().filter(type -> type.equals("GPU")).toList();
        int cores = Runtime.getRuntime().availableProcessors();
        return gpus.isEmpty() ? "CPU, " + cores + (cores == 1 ? " core" : " cores") : "GPU 0 of " + gpus.size();
    }

    /** The type of each device that a session has, {@code CPU} or {@code GPU}. */
    static List<String> types() {
        PointerScope scope = new PointerScope();
        try (scope) {
            TF_Status status = TF_Status.newStatus();
            TF_Session session =
                    TF_Session.newSession(TF_Graph.newGraph(), TF_SessionOptions.newSessionOptions(), status);
            status.throwExceptionIfNotOK();
            TF_DeviceList devices = tensorflow.TF_SessionListDevices(session, status);
            status.throwExceptionIfNotOK();
            try {
                List<String> types = new ArrayList<>();
                for (int i = 0; i < tensorflow.TF_DeviceListCount(devices); i++) {
                    types.add(tensorflow.TF_DeviceListType(devices, i, status).getString());
                    status.throwExceptionIfNotOK();
                }
                return types;
            } finally {
                tensorflow.TF_DeleteDeviceList(devices);
            }
        }
    }
}
