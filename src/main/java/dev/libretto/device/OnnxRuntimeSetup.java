package dev.libretto.device;

import java.util.Map;

/** Prepares this process for ONNX Runtime. */
public final class OnnxRuntimeSetup {
    private OnnxRuntimeSetup() {}

    /** Call before loading ONNX Runtime. Later versions than Libretto's have telemetry, which this disables. */
    public static void apply() {
        NativeLibraryPath.configureOnnxRuntime();
        LibC.setDefaults(Map.of("ORT_DISABLE_TELEMETRY", "1"));
    }
}
