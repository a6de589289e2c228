import '../../styles/base.css'
import { createApp } from 'vue'
import StudioEntry from './StudioEntry.vue'

createApp(StudioEntry).mount('#page')
