import '../../styles/base.css'
import { createApp } from 'vue'
import SitePage from './SitePage.vue'

createApp(SitePage).mount('#page')
