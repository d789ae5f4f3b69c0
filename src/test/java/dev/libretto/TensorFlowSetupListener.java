package dev.libretto;

import dev.libretto.device.TensorFlowSetup;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Sets TensorFlow up for the tests that use it directly, however the tests are started. */
public final class TensorFlowSetupListener implements LauncherSessionListener {
    @Override
    public void launcherSessionOpened(LauncherSession session) {
        TensorFlowSetup.apply();
    }
}
