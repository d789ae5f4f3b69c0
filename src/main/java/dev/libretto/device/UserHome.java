package dev.libretto.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The user's home directory, where libraries cache files. Java names it {@code ?} for a user without a passwd entry. */
public final class UserHome {
    private static final String PROPERTY = "user.home";

    private UserHome() {}

    /**
     * Has Java use {@code HOME} if its own idea of the home directory is unusable, or else a private directory in the temp
     * folder.
     */
    public static void ensureUsable() {
        if (isUsable(System.getProperty(PROPERTY))) {
            return;
        }
        String home = System.getenv("HOME");
        System.setProperty(PROPERTY, isUsable(home) ? home : inTempFolder());
    }

    private static boolean isUsable(String home) {
        if (home == null) {
            return false;
        }
        Path path = Path.of(home);
        return path.isAbsolute() && Files.isDirectory(path) && Files.isWritable(path);
    }

    /** The same directory each time, unless another user has taken its name. */
    private static String inTempFolder() {
        String temp = System.getProperty("java.io.tmpdir");
        try {
            Object user = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
            Path own = Path.of(temp, "libretto-" + user);
            var privately = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
            if (!Files.exists(own, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(own, privately);
            }
            boolean isOwn = Files.isDirectory(own, LinkOption.NOFOLLOW_LINKS)
                    && user.equals(Files.getAttribute(own, "unix:uid", LinkOption.NOFOLLOW_LINKS));
            return isOwn
                    ? own.toString()
                    : Files.createTempDirectory("libretto").toString();
        } catch (IOException | RuntimeException e) {
            return temp;
        }
    }
}
