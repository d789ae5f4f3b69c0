package dev.libretto.device;

import com.sun.jna.Platform;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/** Where JavaCPP and JNA find the native libraries. */
final class NativeFiles {
    private static final String JNA_PATH = "jna.boot.library.path";

    private static boolean located;

    private NativeFiles() {}

    /**
     * Has them loaded from the folder {@code native} beside Libretto's jar, where the build unpacks them. A jar elsewhere has
     * no such folder: JavaCPP then unpacks both TensorFlow's and JNA's into its cache, so that there is one folder that must
     * be writable and allow to execute.
     */
    static synchronized void locate() {
        if (located) {
            return;
        }
        located = true;
        UserHome.ensureUsable();
        // Otherwise JavaCPP asks the system for the memory in use at each of the many small allocations of eager mode.
        setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        Path unpacked = besideJar();
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
            // JNA looks for a folder itself.
        }
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /** The folder, which need not exist. */
    private static Path besideJar() {
        try {
            return Path.of(NativeFiles.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .resolveSibling("native");
        } catch (URISyntaxException | RuntimeException e) {
            // Loaded from something that is no file.
            return Path.of("native");
        }
    }
}
