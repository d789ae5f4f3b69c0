package dev.libretto.device;

import com.sun.jna.Platform;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/** Tells JavaCPP and JNA where the native libraries are. */
final class NativeLibraryPath {
    private static final String JNA_PATH = "jna.boot.library.path";

    private static boolean configured;

    private NativeLibraryPath() {}

    /**
     * Loads them from the directory {@code native} next to Libretto's jar, where the build unpacks them. Without it, JavaCPP
     * unpacks TensorFlow's and JNA's into its cache, so only that directory must be writable and executable.
     */
    static synchronized void configure() {
        if (configured) {
            return;
        }
        configured = true;
        UserHome.ensureUsable();
        // Otherwise JavaCPP queries the memory in use at each small allocation of eager mode.
        setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        Path unpacked = nextToJar();
        if (Files.exists(unpacked.resolve(System.mapLibraryName("jnitensorflow")))) {
            System.setProperty(
                    "java.library.path", unpacked + File.pathSeparator + System.getProperty("java.library.path", ""));
            setDefault("org.bytedeco.javacpp.pathsFirst", "true");
        }
        if (System.getProperty(JNA_PATH) == null) {
            jnaFolder(unpacked);
        }
    }

    private static void jnaFolder(Path unpacked) {
        String name = System.mapLibraryName("jnidispatch").replace(".dylib", ".jnilib");
        if (Files.exists(unpacked.resolve(name))) {
            System.setProperty(JNA_PATH, unpacked.toString());
            return;
        }
        try {
            File file = Loader.cacheResource("/com/sun/jna/" + Platform.RESOURCE_PREFIX + "/" + name);
            if (file != null) {
                System.setProperty(JNA_PATH, file.getParent());
            }
        } catch (IOException | RuntimeException e) {
            // JNA unpacks its library itself.
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
