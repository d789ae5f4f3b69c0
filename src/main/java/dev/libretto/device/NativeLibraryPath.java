package dev.libretto.device;

import com.sun.jna.Platform;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/**
 * Where the native libraries of TensorFlow, JNA and ONNX Runtime are: in the directory {@code native} next to Libretto's jar, where
 * the build unpacks them. If they are not there or cannot be loaded, JavaCPP unpacks them into its cache, which must then be
 * writable and executable.
 */
final class NativeLibraryPath {
    private static final String JNA_PATH = "jna.boot.library.path";
    private static final String JAVACPP_LOADS = "org.bytedeco.javacpp.loadLibraries";

    private static boolean configured;

    private NativeLibraryPath() {}

    /** Sets the path of JNA's library; call before using JNA or JavaCPP. */
    static synchronized void configure() {
        if (configured) {
            return;
        }
        configured = true;
        UserHome.ensureUsable();
        // Otherwise JavaCPP queries the memory in use at each small allocation of eager mode.
        setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        setDirectory(
                JNA_PATH,
                "/com/sun/jna/" + Platform.RESOURCE_PREFIX,
                System.mapLibraryName("jnidispatch").replace(".dylib", ".jnilib"));
        if (System.getProperty(JNA_PATH) != null) {
            // Otherwise JNA creates a directory for what it could unpack.
            setDefault("jna.nounpack", "true");
        }
    }

    /**
     * Loads TensorFlow's library if the build has unpacked it and it can be loaded. JavaCPP would search each jar for several
     * names of it, which takes longer than loading.
     */
    static void loadTensorFlow() {
        Path library = nextToJar().resolve(System.mapLibraryName("jnitensorflow"));
        if (Files.exists(library) && System.getProperty(JAVACPP_LOADS) == null) {
            // Set first, because loading the library may initialize JavaCPP.
            System.setProperty(JAVACPP_LOADS, "false");
            try {
                System.load(library.toAbsolutePath().toString());
            } catch (UnsatisfiedLinkError e) {
                // JavaCPP unpacks its own then.
                System.clearProperty(JAVACPP_LOADS);
            }
        }
    }

    /** Sets the path of ONNX Runtime's libraries. */
    static void configureOnnxRuntime() {
        configure();
        String machine = Loader.getPlatform()
                .replace("x86_64", "x64")
                .replace("arm64", "aarch64")
                .replace("macosx", "osx");
        setDirectory(
                "onnxruntime.native.path",
                "/ai/onnxruntime/native/" + machine,
                System.mapLibraryName("onnxruntime"),
                System.mapLibraryName("onnxruntime4j_jni"));
    }

    /**
     * Sets a property to the directory of some libraries, unless it is set.
     *
     * @param resources where the class path has them
     */
    private static void setDirectory(String property, String resources, String... libraries) {
        if (System.getProperty(property) != null) {
            return;
        }
        Path directory = nextToJar();
        try {
            for (String library : libraries) {
                if (!Files.exists(nextToJar().resolve(library))) {
                    directory = Loader.cacheResource(resources + "/" + library)
                            .toPath()
                            .getParent();
                }
            }
            System.setProperty(property, directory.toString());
        } catch (IOException | RuntimeException e) {
            // Each unpacks its own then.
            return;
        }
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static Path nextToJar() {
        try {
            return Path.of(NativeLibraryPath.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .resolveSibling("native");
        } catch (URISyntaxException | RuntimeException e) {
            // Not loaded from a file.
            return Path.of("native");
        }
    }
}
