package dev.libretto;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;

/** A package uses only packages on lower floors. */
class FloorsTest {
    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/"))
            .importPackages("dev.libretto");

    @Test
    void packagesUseOnlyLowerFloors() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("dev.libretto..")
                .layer("text")
                .definedBy("dev.libretto.text..")
                .layer("model")
                .definedBy("dev.libretto.model..")
                .layer("device")
                .definedBy("dev.libretto.device..")
                .layer("run")
                .definedBy("dev.libretto.run..")
                .layer("train")
                .definedBy("dev.libretto.train..")
                .layer("generate")
                .definedBy("dev.libretto.generate..")
                .layer("export")
                .definedBy("dev.libretto.export..")
                .layer("plot")
                .definedBy("dev.libretto.plot..")
                .layer("tensorboard")
                .definedBy("dev.libretto.tensorboard..")
                .layer("cli")
                .definedBy("dev.libretto.cli..")
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("export")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("tensorboard")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("plot")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("train")
                .mayOnlyBeAccessedByLayers("plot", "tensorboard", "cli")
                .whereLayer("generate")
                .mayOnlyBeAccessedByLayers("export", "cli")
                .whereLayer("run")
                .mayOnlyBeAccessedByLayers("train", "generate", "export", "plot", "tensorboard", "cli")
                .whereLayer("text")
                .mayOnlyBeAccessedByLayers("run", "train", "generate", "export", "plot", "tensorboard", "cli")
                .whereLayer("model")
                .mayOnlyBeAccessedByLayers("run", "train", "generate", "export", "plot", "tensorboard", "cli")
                .whereLayer("device")
                .mayOnlyBeAccessedByLayers("model", "run", "train", "generate", "export", "plot", "tensorboard", "cli")
                .ensureAllClassesAreContainedInArchitectureIgnoring("dev.libretto")
                .check(classes);
    }
}
