package dev.libretto.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The user's home directory, where libraries cache files. Java calls it {@code ?} for a user without a passwd entry. */
public final class UserHome {
    private static final String PROPERTY = "user.home";

    private UserHome() {}

    /** Sets {@code user.home} to {@code HOME} if it is unusable, or else to a private temporary directory. */
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

    /** Returns the same directory each time, unless another user owns it. */
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
