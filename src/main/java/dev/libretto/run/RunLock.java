package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A lock on a run directory, so that only one process writes it. It is released when the process ends, even by a crash. */
final class RunLock implements AutoCloseable {
    static final String FILE = "lock";

    /** {@link #isHeld} of another process takes the lock for a moment, so one that is held is tried again. */
    private static final int RETRIES = 4;

    private static final int PAUSE_MILLIS = 20;

    private final Path run;
    private final FileChannel channel;

    private RunLock(Path run, FileChannel channel) {
        this.run = run;
        this.channel = channel;
    }

    /** @throws LibrettoException if another process, or this one, holds the lock */
    static RunLock acquire(Path run) throws IOException {
        Path file = run.resolve(FILE);
        while (true) {
            Object before = fileKey(file);
            RunLock lock = acquire(run, file);
            if (Objects.equals(before, fileKey(file))) {
                return lock;
            }
            // Another process replaced the run between opening and locking the file.
            lock.close();
        }
    }

    private static Object fileKey(Path file) throws IOException {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return FILE;
        }
    }

    private static RunLock acquire(Path run, Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            for (int retry = 1; lock == null && retry <= RETRIES; retry++) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS));
                lock = channel.tryLock();
            }
            if (lock != null) {
                return new RunLock(run, channel);
            }
        } catch (OverlappingFileLockException e) {
            // This process holds the lock.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw heldElsewhere(run);
    }

    /**
     * Returns whether a process holds the lock of a run, also if the run can only be read. Must not be called by the process that
     * holds it: on most systems, a process loses its lock when it closes the file.
     */
    // Synchronized, because a process cannot lock a file twice: two threads that ask would see each other's lock.
    static synchronized boolean isHeld(Path run) throws IOException {
        try (FileChannel channel =
                        FileChannel.open(run.resolve(FILE), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
                FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
            return lock == null;
        } catch (NoSuchFileException e) {
            return false;
        } catch (OverlappingFileLockException e) {
            return true;
        }
    }

    static LibrettoException heldElsewhere(Path run) {
        return new LibrettoException(
                run + " is being trained by another process; wait until it ends, or use another directory");
    }

    Path run() {
        return run;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
